//! Rooms whose writes a store has refused because a newer owner is known there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_protocol::ids::RoomId;
use tokio::sync::Notify;

/// Collects such rooms, each once, until somebody takes them.
#[derive(Clone, Debug, Default)]
pub struct Fenced(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rooms: Mutex<BTreeSet<RoomId>>,
    noted: Notify,
}

impl Fenced {
    /// Takes note of a room.
    pub(super) fn note(&self, room: &RoomId) {
        self.rooms().insert(room.clone());
        self.0.noted.notify_one();
    }

    /// Waits for rooms, and takes them.
    pub async fn taken(&self) -> BTreeSet<RoomId> {
        loop {
            let rooms = std::mem::take(&mut *self.rooms());
            if !rooms.is_empty() {
                return rooms;
            }
            self.0.noted.notified().await;
        }
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeSet<RoomId>> {
        // What is in it is changed in single steps.
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
