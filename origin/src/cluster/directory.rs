//! Rooms of other origins: whoever asks here is sent there.

use std::collections::{BTreeMap, BTreeSet};

use stoa_audio::frame::Epoch;
use stoa_protocol::ids::{NodeId, RoomId};

/// What is known of another origin's room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its owner.
    pub owner: NodeId,
    /// The owner's epoch.
    pub epoch: Epoch,
    /// Who takes over.
    pub standby: Option<NodeId>,
    /// Whose it is, as messages name it.
    pub tenant: String,
}

/// Rooms of other origins.
#[derive(Debug, Default)]
pub struct Directory {
    rooms: BTreeMap<RoomId, Known>,
    /// Rooms of an origin that is telling everything anew, not told yet.
    unconfirmed: BTreeMap<NodeId, BTreeSet<RoomId>>,
}

impl Directory {
    /// Takes note of a room; `false` when a newer epoch is known already.
    pub fn note(&mut self, room: RoomId, known: Known) -> bool {
        if let Some(rooms) = self.unconfirmed.get_mut(&known.owner) {
            rooms.remove(&room);
        }
        let newer = self.rooms.get(&room).is_some_and(|before| before.epoch > known.epoch);
        if !newer {
            self.rooms.insert(room, known);
        }
        !newer
    }

    /// A room has ended, or is this origin's own.
    pub fn forget(&mut self, room: &RoomId, epoch: Epoch) {
        if self.rooms.get(room).is_some_and(|known| known.epoch <= epoch) {
            self.rooms.remove(room);
        }
    }

    /// An origin begins to tell everything anew.
    pub fn begin(&mut self, owner: &NodeId) {
        let rooms = self.of(owner).map(|(room, _)| room.clone()).collect();
        self.unconfirmed.insert(owner.clone(), rooms);
    }

    /// It has told everything: what was not among it is no longer its, and given back.
    pub fn end(&mut self, owner: &NodeId) -> Vec<(RoomId, Known)> {
        let rooms = self.unconfirmed.remove(owner).unwrap_or_default().into_iter();
        let own =
            rooms.filter(|room| self.rooms.get(room).is_some_and(|known| known.owner == *owner));
        let own: Vec<RoomId> = own.collect();
        own.into_iter().filter_map(|room| self.rooms.remove_entry(&room)).collect()
    }

    /// What is known of a room.
    #[must_use]
    pub fn find(&self, room: &RoomId) -> Option<&Known> {
        self.rooms.get(room)
    }

    /// Rooms of one origin.
    pub fn of(&self, owner: &NodeId) -> impl Iterator<Item = (&RoomId, &Known)> {
        self.rooms.iter().filter(move |(_, known)| known.owner == *owner)
    }

    /// How many rooms of other origins a tenant has.
    #[must_use]
    pub fn count_of(&self, tenant: &str) -> usize {
        self.rooms.values().filter(|known| known.tenant == tenant).count()
    }

    /// Every owner, each once.
    #[must_use]
    pub fn owners(&self) -> BTreeSet<NodeId> {
        self.rooms.values().map(|known| known.owner.clone()).collect()
    }

    /// How many rooms are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether no room is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(owner: &str, epoch: u32) -> Known {
        let owner = NodeId::new(owner).unwrap();
        Known { owner, epoch: Epoch(epoch), standby: None, tenant: String::new() }
    }

    fn room(name: &str) -> RoomId {
        RoomId::new(name).unwrap()
    }

    #[test]
    fn an_older_owner_does_not_take_a_room_back() {
        let mut directory = Directory::default();
        assert!(directory.note(room("r"), known("o2", 5)));
        assert!(!directory.note(room("r"), known("o1", 4)));
        assert_eq!(directory.find(&room("r")).unwrap().owner.as_str(), "o2");
        directory.forget(&room("r"), Epoch(4));
        assert_eq!(directory.len(), 1);
        directory.forget(&room("r"), Epoch(5));
        assert!(directory.is_empty());
    }

    #[test]
    fn what_an_origin_does_not_tell_anew_has_ended_once_it_has_told_everything() {
        let mut directory = Directory::default();
        let o1 = NodeId::new("o1").unwrap();
        for name in ["a", "b", "c"] {
            directory.note(room(name), known("o1", 1));
        }
        directory.begin(&o1);
        directory.note(room("a"), known("o1", 1));
        directory.note(room("c"), known("o2", 2));
        assert_eq!(directory.len(), 3, "until then they stay");
        let gone = directory.end(&o1);
        assert_eq!(gone, [(room("b"), known("o1", 1))]);
        assert!(directory.find(&room("a")).is_some());
        assert!(directory.find(&room("b")).is_none());
        assert_eq!(directory.find(&room("c")).unwrap().owner.as_str(), "o2");
    }
}
