//! Who is in a room now, in changes small enough to be written one by one, and how two states differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{ParticipantId, Role};

use crate::store::limits::CHANGES_PER_WRITE_MAX;

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Unique in the room.
    pub id: ParticipantId,
    /// As the token says.
    pub identity: String,
    /// As others see it.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// The identity of who muted him, if anybody did.
    pub muted_by: Option<String>,
    /// Whether he is invited to the stage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub invited: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// One change of a room's hot state. The newest change of a participant or a hand wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HotChange {
    /// Somebody came, or is no longer as he was.
    Here(Present),
    /// Somebody left; his hand falls too.
    Gone(ParticipantId),
    /// A hand is up, at this place of the queue. Places are given by the owner; a hand that is up moves.
    /// Only those who are here have hands: a store passes over others, and nobody should write them.
    Raise {
        /// Whose.
        participant: ParticipantId,
        /// Smaller ones come first.
        place: u64,
    },
    /// A hand is down.
    Lower(ParticipantId),
}

impl HotChange {
    /// Whom it concerns.
    #[must_use]
    pub fn participant(&self) -> &ParticipantId {
        match self {
            Self::Here(present) => &present.id,
            Self::Gone(id) | Self::Lower(id) | Self::Raise { participant: id, .. } => id,
        }
    }
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hand {
    /// Smaller ones come first.
    pub place: u64,
    /// Whose.
    pub participant: ParticipantId,
}

/// The whole hot state of a room, as read at a take-over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HotRoom {
    /// The epoch of the newest write.
    pub epoch: u64,
    /// Sorted by id.
    pub present: Vec<Present>,
    /// In the order of the queue.
    pub hands: Vec<Hand>,
}

impl HotRoom {
    /// Puts both lists into their order; backends read them in any.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.present.sort_by(|a, b| a.id.cmp(&b.id));
        self.hands.sort();
        self
    }
}

/// What turns `from` into `to`, departures first.
#[must_use]
pub fn difference(from: &HotRoom, to: &HotRoom) -> Vec<HotChange> {
    let people = |room: &HotRoom| -> BTreeMap<ParticipantId, Present> {
        room.present.iter().map(|present| (present.id.clone(), present.clone())).collect()
    };
    let hands = |room: &HotRoom| -> BTreeMap<ParticipantId, u64> {
        room.hands.iter().map(|hand| (hand.participant.clone(), hand.place)).collect()
    };
    let (before, after) = (people(from), people(to));
    let (down, up) = (hands(from), hands(to));
    let mut changes = Vec::new();
    let gone = before.keys().filter(|id| !after.contains_key(id));
    changes.extend(gone.map(|id| HotChange::Gone(id.clone())));
    let here = after.values().filter(|present| before.get(&present.id) != Some(present));
    changes.extend(here.map(|present| HotChange::Here(present.clone())));
    let lowered = down.keys().filter(|id| after.contains_key(id) && !up.contains_key(id));
    changes.extend(lowered.map(|id| HotChange::Lower(id.clone())));
    for (participant, place) in up {
        if down.get(&participant) != Some(&place) {
            changes.push(HotChange::Raise { participant, place });
        }
    }
    changes
}

/// Cuts many changes into writes that a store takes; one empty write for no change, because that too
/// carries the epoch.
#[must_use]
pub fn in_writes(changes: Vec<HotChange>) -> Vec<Vec<HotChange>> {
    if changes.is_empty() {
        return vec![Vec::new()];
    }
    let mut writes = Vec::new();
    let mut rest = changes.into_iter().peekable();
    while rest.peek().is_some() {
        writes.push(rest.by_ref().take(CHANGES_PER_WRITE_MAX).collect());
    }
    writes
}

#[cfg(test)]
#[path = "hot_tests.rs"]
mod tests;
