//! The store that origins share: the embedded one, in memory, asked without waiting for a clock.

use anyhow::{Context, Result};
use stoa_origin::store::{Answer, Embedded, Kept, Operation, RoomRecord, Store, StoreError};
use stoa_protocol::ids::RoomId;
use tokio::runtime::Runtime;

/// The store that origins share.
pub(super) struct Shelf {
    store: Embedded,
    runtime: Runtime,
}

impl Shelf {
    pub(super) fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = Embedded::in_memory().context("a store in memory")?;
        Ok(Self { store, runtime })
    }

    pub(super) fn apply(&self, operation: Operation) -> Result<Answer, StoreError> {
        self.runtime.block_on(self.store.apply(operation))
    }

    pub(super) fn record(&self, room: &RoomId) -> Option<RoomRecord> {
        match self.apply(Operation::Room(room.clone())) {
            Ok(Answer::Room(record)) => record.map(|record| *record),
            _ => None,
        }
    }

    pub(super) fn kept(&self, room: &RoomId) -> Option<Kept> {
        self.record(room).map(Kept::bare)
    }

    pub(super) fn all(&self) -> Vec<RoomRecord> {
        match self.apply(Operation::Rooms { after: None, limit: 100 }) {
            Ok(Answer::Rooms(records)) => records,
            _ => Vec::new(),
        }
    }
}
