//! Who is in a room, as clients get to know it: the stage in full, the audience as a count, oneself in detail.

use std::sync::Arc;
use std::time::Duration;

use stoa_protocol::ids::{ParticipantId, Role};

use super::reactions::ReactionCounts;
use crate::webrtc::SLOTS_MAX;

/// The stage of a room, and how many listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Everybody on the stage, in order of arrival.
    pub stage: Vec<RosterMember>,
    /// How many listen.
    pub listeners: u32,
}

/// Somebody on the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterMember {
    /// The participant.
    pub participant: ParticipantId,
    /// What people read.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// Whether he is muted.
    pub muted: bool,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Who listen.
    pub listeners: u32,
    /// Whose hands are up.
    pub hands: u32,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedHand {
    /// Whose.
    pub participant: ParticipantId,
    /// What people read.
    pub name: String,
    /// Since when, in milliseconds since 1970.
    pub raised_ms: u64,
    /// Whether he is invited to the stage.
    pub invited: bool,
}

/// What a room is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// Its name.
    pub name: String,
    /// What it is about now.
    pub topic: String,
}

/// How somebody stands in his room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnStanding {
    /// What he may do.
    pub role: Role,
    /// Whether he is muted.
    pub muted: bool,
    /// Whether his hand is up.
    pub hand: bool,
    /// Whether he is invited to the stage.
    pub invited: bool,
}

impl OwnStanding {
    /// Whether he hears what moderators hear.
    #[must_use]
    pub fn moderates(&self) -> bool {
        self.role.may_moderate()
    }
}

/// Who is heard on which slot; `None` where nobody has been yet or the last one has left.
pub type SlotNames = [Option<ParticipantId>; SLOTS_MAX];

/// What a participant's connection gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParticipantEvent {
    /// The stage has changed; at most every 200 ms, rarer in large rooms.
    Roster(Arc<Roster>),
    /// How many listen or want to speak has changed; at most every second, every 5 s in large rooms.
    Counts(Counts),
    /// Whose hands are up, the first 50; to moderators and hosts.
    Hands(Arc<[RaisedHand]>),
    /// How oneself stands in the room.
    Standing(OwnStanding),
    /// What the room is called now.
    Title(Title),
    /// What was given since the last such event.
    Reactions(ReactionCounts),
    /// Who is heard where, for this participant's class.
    Slots(SlotNames),
    /// This edge will leave; until then everything goes on.
    Draining {
        /// How much time all clients together have to begin their moves; each draws its own moment.
        over: Duration,
    },
    /// It stays after all.
    Staying,
    /// The session has ended; nothing follows.
    Closed {
        /// `room-closed`, `removed`, `banned`, `replaced`, `draining`, or the media plane's reason.
        reason: &'static str,
    },
}
