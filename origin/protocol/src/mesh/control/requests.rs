//! What edges ask a room's owner, and what it answers.

use prost::{Message, Oneof};

use super::acts::{Act, BanPage, LogPage, ParticipantPage};
use super::blocks::{Block, BlockPage, ListBlocks};
use super::erasure::{EraseIdentity, Erased};
use super::personal::Personal;
use super::revocations::WireRevocation;
use super::rooms::{RoomInfo, RoomPage, RoomSettings, WireRole};

/// A request about rooms.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Chosen by the asking side, unique on the link among requests under way.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is asked.
    #[prost(oneof = "Ask", tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 30, 31, 40, 41")]
    pub ask: Option<Ask>,
}

/// What can be asked of a room's owner.
#[derive(Clone, PartialEq, Oneof)]
pub enum Ask {
    /// Make a room.
    #[prost(message, tag = "2")]
    CreateRoom(CreateRoom),
    /// List rooms by id, a page at a time.
    #[prost(message, tag = "3")]
    ListRooms(ListRooms),
    /// Read one room.
    #[prost(message, tag = "4")]
    ReadRoom(ReadRoom),
    /// End a room for everybody.
    #[prost(message, tag = "5")]
    CloseRoom(CloseRoom),
    /// Take a participant in. Repeating it (after a reconnect) changes nothing.
    #[prost(message, tag = "6")]
    Join(Join),
    /// A participant has gone.
    #[prost(message, tag = "7")]
    Leave(Leave),
    /// Mute or unmute a participant.
    #[prost(message, tag = "8")]
    SetMuted(SetMuted),
    /// Change what a room is called and allows.
    #[prost(message, tag = "9")]
    ChangeRoom(ChangeRoom),
    /// Do something in a room.
    #[prost(message, tag = "10")]
    Act(Act),
    /// List who is in a room.
    #[prost(message, tag = "11")]
    ListParticipants(ListParticipants),
    /// Read a room's log.
    #[prost(message, tag = "12")]
    ReadLog(ReadLog),
    /// List who is kept out of a room.
    #[prost(message, tag = "13")]
    ListBans(ListBans),
    /// Let tokens hold no longer, at every edge.
    #[prost(message, tag = "14")]
    Revoke(Revoke),
    /// One of these on behalf of a person, as what he is in the room.
    #[prost(message, tag = "30")]
    Personal(Personal),
    /// Erase what is kept about an identity.
    #[prost(message, tag = "31")]
    EraseIdentity(EraseIdentity),
    /// Keep somebody out of rooms that another hosts, or no longer.
    #[prost(message, tag = "40")]
    Block(Block),
    /// List whom somebody keeps out.
    #[prost(message, tag = "41")]
    ListBlocks(ListBlocks),
}

/// Make a room.
#[derive(Clone, PartialEq, Message)]
pub struct CreateRoom {
    /// Wanted id; the owner draws one when empty.
    #[prost(string, tag = "1")]
    pub room: String,
    /// What people read, 1 to 100 characters.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What else is known of it.
    #[prost(message, optional, tag = "3")]
    pub settings: Option<RoomSettings>,
    /// Whose it is; empty for the default tenant.
    #[prost(string, tag = "4")]
    pub tenant: String,
    /// The identity of who makes it, for the log.
    #[prost(string, tag = "5")]
    pub actor: String,
    /// Most rooms that its tenant may have, this one included; absent without such a quota.
    #[prost(uint32, optional, tag = "6")]
    pub tenant_rooms_max: Option<u32>,
}

/// Change a room.
#[derive(Clone, PartialEq, Message)]
pub struct ChangeRoom {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// What changes; what is absent stays.
    #[prost(message, optional, tag = "2")]
    pub settings: Option<RoomSettings>,
    /// The participant who does it; empty when a back end does.
    #[prost(string, tag = "3")]
    pub by: String,
    /// What a back end may do as.
    #[prost(enumeration = "WireRole", tag = "4")]
    pub authority: i32,
    /// The identity of a back end, for the log.
    #[prost(string, tag = "5")]
    pub actor: String,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "6")]
    pub tenant: String,
}

/// List who is in a room.
#[derive(Clone, PartialEq, Message)]
pub struct ListParticipants {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Only participants whose id sorts after this one; empty for the first page.
    #[prost(string, tag = "2")]
    pub after: String,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "3")]
    pub limit: u32,
    /// Whether identities are told.
    #[prost(bool, tag = "4")]
    pub identities: bool,
    /// Only whose hands are up, in the order of the queue; `after` then names the last one of the page before.
    #[prost(bool, tag = "5")]
    pub hands: bool,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "6")]
    pub tenant: String,
}

/// Read a room's log, newest first.
#[derive(Clone, PartialEq, Message)]
pub struct ReadLog {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Only entries below this number; 0 for the newest.
    #[prost(uint64, tag = "2")]
    pub before: u64,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "3")]
    pub limit: u32,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "4")]
    pub tenant: String,
}

/// List who is kept out of a room.
#[derive(Clone, PartialEq, Message)]
pub struct ListBans {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Only identities that sort after this one; empty for the first page.
    #[prost(string, tag = "2")]
    pub after: String,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "3")]
    pub limit: u32,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "4")]
    pub tenant: String,
}

/// Let tokens hold no longer. Every origin that the asking edge is linked to is told, and tells all of its edges.
#[derive(Clone, PartialEq, Message)]
pub struct Revoke {
    /// Which ones; its owner says for how long this is kept.
    #[prost(message, optional, tag = "1")]
    pub revocation: Option<WireRevocation>,
    /// The identity of who says so, for the origin's log.
    #[prost(string, tag = "2")]
    pub actor: String,
}

/// List rooms.
#[derive(Clone, PartialEq, Message)]
pub struct ListRooms {
    /// Only rooms whose id sorts after this one; empty for the first page.
    #[prost(string, tag = "1")]
    pub after: String,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "2")]
    pub limit: u32,
    /// Only rooms with this in their name or topic, whatever the case; empty for all.
    #[prost(string, tag = "3")]
    pub search: String,
    /// Whether unlisted and private rooms are told.
    #[prost(bool, tag = "4")]
    pub all: bool,
    /// Whose rooms; empty for the default tenant.
    #[prost(string, tag = "5")]
    pub tenant: String,
    /// Only rooms of this language (RFC 5646); empty for all.
    #[prost(string, tag = "6")]
    pub language: String,
}

/// Read one room.
#[derive(Clone, PartialEq, Message)]
pub struct ReadRoom {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "2")]
    pub tenant: String,
}

/// End a room.
#[derive(Clone, PartialEq, Message)]
pub struct CloseRoom {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "2")]
    pub tenant: String,
}

/// Take a participant in.
#[derive(Clone, PartialEq, Message)]
pub struct Join {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The participant's id in the room.
    #[prost(string, tag = "2")]
    pub participant: String,
    /// Who the token says this is.
    #[prost(string, tag = "3")]
    pub identity: String,
    /// What people read.
    #[prost(string, tag = "4")]
    pub name: String,
    /// What the token allows.
    #[prost(enumeration = "WireRole", tag = "5")]
    pub role: i32,
    /// The track this participant may publish; 0 when none.
    #[prost(fixed64, tag = "6")]
    pub track: u64,
    /// Whether he joins muted.
    #[prost(bool, tag = "7")]
    pub muted: bool,
    /// Whether this is somebody who was here a moment ago, under the same id, maybe through another edge: he keeps his
    /// role, his hand and his mute.
    #[prost(bool, tag = "8")]
    pub resumes: bool,
    /// Whether the token names this room.
    #[prost(bool, tag = "9")]
    pub named: bool,
    /// Whose the token is; empty for the default tenant.
    #[prost(string, tag = "10")]
    pub tenant: String,
    /// Most participants that its tenant may have at this origin, this one included; absent without such a quota.
    #[prost(uint32, optional, tag = "30")]
    pub tenant_participants_max: Option<u32>,
}

/// A participant has gone.
#[derive(Clone, PartialEq, Message)]
pub struct Leave {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The participant.
    #[prost(string, tag = "2")]
    pub participant: String,
}

/// Mute or unmute a participant.
#[derive(Clone, PartialEq, Message)]
pub struct SetMuted {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Who is muted.
    #[prost(string, tag = "2")]
    pub participant: String,
    /// The new state.
    #[prost(bool, tag = "3")]
    pub muted: bool,
    /// Who asks; muting others takes a moderator. Empty when a back end does.
    #[prost(string, tag = "4")]
    pub by: String,
    /// What a back end may do as.
    #[prost(enumeration = "WireRole", tag = "5")]
    pub authority: i32,
    /// The identity of a back end, for the room's log.
    #[prost(string, tag = "6")]
    pub actor: String,
    /// Whose token asks; empty for the default tenant. Another tenant's room is as one that is not there.
    #[prost(string, tag = "7")]
    pub tenant: String,
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Message)]
pub struct Response {
    /// The request's id.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What came of it.
    #[prost(oneof = "Answer", tags = "2, 3, 4, 5, 6, 7, 8, 30, 40")]
    pub answer: Option<Answer>,
}

/// What can come of a request.
#[derive(Clone, PartialEq, Oneof)]
pub enum Answer {
    /// Done; nothing more to say.
    #[prost(message, tag = "2")]
    Done(Done),
    /// One room.
    #[prost(message, tag = "3")]
    Room(RoomInfo),
    /// A page of rooms.
    #[prost(message, tag = "4")]
    Rooms(RoomPage),
    /// It was refused.
    #[prost(message, tag = "5")]
    Problem(Problem),
    /// A page of participants.
    #[prost(message, tag = "6")]
    Participants(ParticipantPage),
    /// A page of a log.
    #[prost(message, tag = "7")]
    Log(LogPage),
    /// A page of bans.
    #[prost(message, tag = "8")]
    Bans(BanPage),
    /// What was erased.
    #[prost(message, tag = "30")]
    Erased(Erased),
    /// A page of those whom somebody keeps out.
    #[prost(message, tag = "40")]
    Blocks(BlockPage),
}

/// Nothing more to say.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Done {}

/// Why a request was refused, in the terms of RFC 9457.
#[derive(Clone, PartialEq, Message)]
pub struct Problem {
    /// HTTP status, 400 to 599.
    #[prost(uint32, tag = "1")]
    pub status: u32,
    /// Stable short name, e.g. `room-not-found`.
    #[prost(string, tag = "2")]
    pub code: String,
    /// A clear sentence for people.
    #[prost(string, tag = "3")]
    pub detail: String,
    /// Seconds after which to try again; 0 when that does not apply.
    #[prost(uint32, tag = "4")]
    pub retry_after_s: u32,
    /// With status 421: the origin that owns the room; it is to be asked.
    #[prost(string, tag = "5")]
    pub owner: String,
}
