//! What the core wants to know of the store: read beside it, some rooms at a time.

use std::sync::Arc;

use stoa_protocol::ids::RoomId;
use tokio::sync::{Semaphore, mpsc};

use crate::keeping;
use crate::store::{Answer, Kept, Operation, RoomRecord, Stores};

/// Rooms that are read at a time.
const AT_A_TIME: usize = 16;

/// Something that was read.
#[derive(Debug)]
pub(super) enum Reading {
    /// Everything of a room; nothing when it is not there or cannot be read.
    Room(RoomId, Option<Box<Kept>>),
    /// Its record.
    Record(RoomId, Option<Box<RoomRecord>>),
}

/// Reads.
#[derive(Debug)]
pub(super) struct Reader {
    stores: Arc<Stores>,
    turns: Arc<Semaphore>,
    /// At most two of each room are under way.
    read: mpsc::UnboundedSender<Reading>,
}

impl Reader {
    pub(super) fn new(stores: Arc<Stores>) -> (Self, mpsc::UnboundedReceiver<Reading>) {
        let (read, readings) = mpsc::unbounded_channel();
        (Self { stores, turns: Arc::new(Semaphore::new(AT_A_TIME)), read }, readings)
    }

    /// Reads everything of a room.
    pub(super) fn load(&self, room: RoomId) {
        let (stores, turns, read) = (self.stores.clone(), self.turns.clone(), self.read.clone());
        tokio::spawn(async move {
            let _turn = turns.acquire().await;
            let kept = keeping::read(&stores, &room).await.unwrap_or_else(|error| {
                tracing::warn!(%room, %error, "a room cannot be taken over yet");
                None
            });
            // Whoever asked may have ended.
            let _ = read.send(Reading::Room(room, kept.map(Box::new)));
        });
    }

    /// Reads a room's record.
    pub(super) fn verify(&self, room: RoomId) {
        let (stores, turns, read) = (self.stores.clone(), self.turns.clone(), self.read.clone());
        tokio::spawn(async move {
            let _turn = turns.acquire().await;
            if let Ok(Answer::Room(record)) = stores.ask(Operation::Room(room.clone())).await {
                let _ = read.send(Reading::Record(room, record));
            }
        });
    }
}
