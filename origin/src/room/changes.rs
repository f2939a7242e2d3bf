//! What must be remembered of a change, so that the room is the same after its owner has died.

use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::LogEntry;

use super::exclusions::Ban;
use super::hands::Turn;
use super::membership::Room;
use super::participant::Participant;

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// What is set of the room.
    Settings,
    /// The room has ended.
    Closed {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// An identity's role in the room; `None` when it is that of its token again.
    Appointed {
        /// Whose.
        identity: String,
        /// The role.
        role: Option<Role>,
    },
    /// An identity is kept out.
    Banned {
        /// Which.
        identity: String,
        /// Why and how long.
        ban: Ban,
    },
    /// An identity may come in again.
    Unbanned {
        /// Which.
        identity: String,
    },
    /// The log has another entry.
    Logged(LogEntry),
    /// Entries of the log are not as they were; at most [`crate::store::ENTRIES_PER_WRITE_MAX`].
    Amended(Vec<LogEntry>),
    /// Somebody is here, as he is now.
    Here(Box<Participant>),
    /// Somebody has gone, and his hand with him.
    Gone(ParticipantId),
    /// A hand is up.
    Raised {
        /// Whose.
        participant: ParticipantId,
        /// Its place in the queue.
        turn: Turn,
    },
    /// A hand is down.
    Lowered(ParticipantId),
}

impl Room {
    /// The next thing to remember; call until `None` after every input.
    pub fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Remembers somebody as he is now.
    pub(super) fn remember(&mut self, id: &ParticipantId) {
        if let Some(participant) = self.participants.get(id) {
            self.changes.push_back(Change::Here(Box::new(participant.clone())));
        }
    }
}
