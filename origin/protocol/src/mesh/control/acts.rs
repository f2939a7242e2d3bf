//! What people do to each other in a room, and what the owner tells each of them of himself.

use prost::{Enumeration, Message};

use super::rooms::WireRole;

/// What somebody does; see [`Act`] for the fields that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Deed {
    /// Something that this node does not know.
    Unknown = 0,
    /// Ask to speak: `participant` is the asker.
    RaiseHand = 1,
    /// Take one's own hand down.
    LowerHand = 2,
    /// Let the owner of a hand speak.
    AcceptHand = 3,
    /// Take another's hand down.
    DeclineHand = 4,
    /// Ask a listener to the stage.
    Invite = 5,
    /// Follow an invitation: `participant` is the invited one.
    AcceptInvitation = 6,
    /// Turn an invitation down; or take it back.
    DeclineInvitation = 7,
    /// Give `participant` the role `role`.
    SetRole = 8,
    /// Mute everybody of a lower role than the actor's.
    MuteAll = 9,
    /// Send `participant` out; he may come back.
    Remove = 10,
    /// Send out, and keep out for `seconds` (0: for good), everybody of an identity: that of `participant`, or `identity`.
    Ban = 11,
    /// Let `identity` in again.
    Unban = 12,
    /// Make `participant` the host; the actor becomes a moderator.
    HandOver = 13,
    /// Tell those who run the service of `participant`, with `text`.
    Report = 14,
}

/// Somebody does something in a room.
#[derive(Clone, PartialEq, Message)]
pub struct Act {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The participant who does it; empty when a back end does.
    #[prost(string, tag = "2")]
    pub by: String,
    /// What a back end may do as.
    #[prost(enumeration = "WireRole", tag = "3")]
    pub authority: i32,
    /// The identity of a back end, for the room's log.
    #[prost(string, tag = "4")]
    pub actor: String,
    /// What is done.
    #[prost(enumeration = "Deed", tag = "5")]
    pub deed: i32,
    /// To whom.
    #[prost(string, tag = "6")]
    pub participant: String,
    /// The new role.
    #[prost(enumeration = "WireRole", tag = "7")]
    pub role: i32,
    /// Why, for people; at most 200 characters.
    #[prost(string, tag = "8")]
    pub text: String,
    /// To whom, by identity.
    #[prost(string, tag = "9")]
    pub identity: String,
    /// For how long.
    #[prost(uint32, tag = "10")]
    pub seconds: u32,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "11")]
    pub tenant: String,
}

/// How somebody stands in a room: from its owner to his edge, at once when it changes.
#[derive(Clone, PartialEq, Message)]
pub struct Standing {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The room's epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Whose.
    #[prost(string, tag = "3")]
    pub participant: String,
    /// What he may do.
    #[prost(enumeration = "WireRole", tag = "4")]
    pub role: i32,
    /// Whether he is muted.
    #[prost(bool, tag = "5")]
    pub muted: bool,
    /// Whether his hand is up.
    #[prost(bool, tag = "6")]
    pub hand: bool,
    /// Whether he is invited to the stage.
    #[prost(bool, tag = "7")]
    pub invited: bool,
    /// Why he must go: `removed`, `banned`, `replaced`; empty while he is in.
    #[prost(string, tag = "8")]
    pub ended: String,
}

/// How often each reaction was given since the last such message: from edges to the owner, and from the owner to all
/// edges.
#[derive(Clone, PartialEq, Message)]
pub struct Reactions {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Which and how often.
    #[prost(message, repeated, tag = "2")]
    pub counts: Vec<Reaction>,
}

/// How often a reaction was given.
#[derive(Clone, PartialEq, Message)]
pub struct Reaction {
    /// One of those that the protocol knows.
    #[prost(string, tag = "1")]
    pub reaction: String,
    /// How often.
    #[prost(uint32, tag = "2")]
    pub count: u32,
}

/// One line of a room's log.
#[derive(Clone, PartialEq, Message)]
pub struct LogEntry {
    /// Counts the room's entries, from 1.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// What happened, e.g. `participant-joined`.
    #[prost(string, tag = "3")]
    pub event: String,
    /// The identity of who did it; empty for the system.
    #[prost(string, tag = "4")]
    pub actor: String,
    /// The identity of whom it was done to; empty when it concerns the room.
    #[prost(string, tag = "5")]
    pub subject: String,
    /// More, for people.
    #[prost(string, tag = "6")]
    pub detail: String,
}

/// A page of a room's log, newest first.
#[derive(Clone, PartialEq, Message)]
pub struct LogPage {
    /// The entries.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<LogEntry>,
    /// Give this as `before` for the next page; 0 at the end.
    #[prost(uint64, tag = "2")]
    pub next: u64,
}

/// Somebody in a room, for lists.
#[derive(Clone, PartialEq, Message)]
pub struct ParticipantInfo {
    /// The participant.
    #[prost(string, tag = "1")]
    pub participant: String,
    /// What people read.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What he may do.
    #[prost(enumeration = "WireRole", tag = "3")]
    pub role: i32,
    /// Whether he is muted.
    #[prost(bool, tag = "4")]
    pub muted: bool,
    /// Whether his hand is up.
    #[prost(bool, tag = "5")]
    pub hand: bool,
    /// Who the token said this is; only for moderators and back ends.
    #[prost(string, tag = "6")]
    pub identity: String,
    /// Since when his hand is up, in milliseconds since 1970; 0 when it is not.
    #[prost(uint64, tag = "7")]
    pub raised_ms: u64,
    /// Whether he is invited to the stage.
    #[prost(bool, tag = "8")]
    pub invited: bool,
}

/// A page of a room's participants, by id.
#[derive(Clone, PartialEq, Message)]
pub struct ParticipantPage {
    /// The participants.
    #[prost(message, repeated, tag = "1")]
    pub participants: Vec<ParticipantInfo>,
    /// Give this as `after` for the next page; empty at the end.
    #[prost(string, tag = "2")]
    pub next: String,
}

/// Somebody who is kept out of a room.
#[derive(Clone, PartialEq, Message)]
pub struct BanInfo {
    /// Whom.
    #[prost(string, tag = "1")]
    pub identity: String,
    /// The identity of who said so.
    #[prost(string, tag = "2")]
    pub by: String,
    /// Milliseconds since 1970.
    #[prost(uint64, tag = "3")]
    pub at_ms: u64,
    /// Until when, in milliseconds since 1970; 0 for good.
    #[prost(uint64, tag = "4")]
    pub until_ms: u64,
    /// Why, for people.
    #[prost(string, tag = "5")]
    pub reason: String,
}

/// A page of a room's bans, by identity.
#[derive(Clone, PartialEq, Message)]
pub struct BanPage {
    /// The bans.
    #[prost(message, repeated, tag = "1")]
    pub bans: Vec<BanInfo>,
    /// Give this as `after` for the next page; empty at the end.
    #[prost(string, tag = "2")]
    pub next: String,
}
