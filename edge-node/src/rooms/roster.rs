//! Who is in a room, as clients get to know it: the stage in full, the audience as a count.

use std::sync::Arc;

use stoa_protocol::ids::{ParticipantId, Role};

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

/// Who is heard on which slot; `None` where nobody has been yet or the last one has left.
pub type SlotNames = [Option<ParticipantId>; SLOTS_MAX];

/// What a participant's connection gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParticipantEvent {
    /// The stage or the count of listeners has changed; at most every 200 ms, rarer in large rooms.
    Roster(Arc<Roster>),
    /// Who is heard where, for this participant's class.
    Slots(SlotNames),
    /// The session has ended; nothing follows.
    Closed {
        /// `room-closed`, `draining`, or the media plane's reason.
        reason: &'static str,
    },
}
