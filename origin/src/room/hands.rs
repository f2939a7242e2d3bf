//! The queue of raised hands: first come, first served.

use std::collections::BTreeMap;

use stoa_protocol::ids::ParticipantId;

/// A place in the queue; lower ones are served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Counts the hands of the room.
    pub number: u64,
    /// When it was raised, in milliseconds since 1970.
    pub raised_ms: u64,
}

/// The queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hands {
    queue: BTreeMap<Turn, ParticipantId>,
    last: u64,
}

impl Hands {
    /// Puts somebody at the end.
    pub(super) fn raise(&mut self, id: &ParticipantId, raised_ms: u64) -> Turn {
        let turn = Turn { number: self.last + 1, raised_ms };
        self.put_back(turn, id);
        turn
    }

    /// Gives somebody a place that he had before.
    pub(super) fn put_back(&mut self, turn: Turn, id: &ParticipantId) {
        self.last = self.last.max(turn.number);
        self.queue.insert(turn, id.clone());
    }

    pub(super) fn lower(&mut self, turn: Turn) {
        self.queue.remove(&turn);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Turn, &ParticipantId)> {
        self.queue.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}
