//! All rooms with somebody here, by key and by name.

use std::collections::{BTreeMap, BTreeSet};

use stoa_protocol::ids::RoomId;

use super::room::Room;
use crate::webrtc::RoomKey;

/// All rooms with somebody here, by key and by name.
#[derive(Debug, Default)]
pub(super) struct Directory {
    rooms: BTreeMap<RoomKey, Room>,
    names: BTreeMap<RoomId, RoomKey>,
    free: BTreeSet<RoomKey>,
}

impl Directory {
    /// The room's key; a room that is new gets the smallest free one.
    pub(super) fn open(&mut self, id: &RoomId) -> RoomKey {
        if let Some(key) = self.names.get(id) {
            return *key;
        }
        // Keys are dense: those in use and those free are together 0..n.
        let next = u32::try_from(self.rooms.len()).unwrap_or(u32::MAX);
        let key = self.free.pop_first().unwrap_or(RoomKey(next));
        self.names.insert(id.clone(), key);
        self.rooms.insert(key, Room::new(id.clone(), key));
        key
    }

    pub(super) fn remove(&mut self, key: RoomKey) {
        if let Some(room) = self.rooms.remove(&key) {
            self.names.remove(&room.id);
            self.free.insert(key);
        }
    }

    pub(super) fn get(&self, key: RoomKey) -> Option<&Room> {
        self.rooms.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: RoomKey) -> Option<&mut Room> {
        self.rooms.get_mut(&key)
    }

    pub(super) fn key_of(&self, id: &RoomId) -> Option<RoomKey> {
        self.names.get(id).copied()
    }

    pub(super) fn key_of_text(&self, id: &str) -> Option<RoomKey> {
        self.key_of(&RoomId::new(id).ok()?)
    }

    pub(super) fn keys(&self) -> Vec<RoomKey> {
        self.rooms.keys().copied().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }
}
