//! The store that origins share: the embedded one, in memory, asked without waiting for a clock.

use anyhow::{Context, Result};
use stoa_origin::store::{
    Answer, Embedded, Kept, Operation, PAGE_MAX, RoomRecord, Store, StoreError,
};
use stoa_protocol::ids::{NodeId, RoomId};
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

    /// Everything that is kept of a room; no more than a page of each, which is more than runs make.
    pub(super) fn kept(&self, room: &RoomId) -> Option<Kept> {
        self.record(room).map(|record| self.filled(record))
    }

    pub(super) fn records(&self) -> Vec<RoomRecord> {
        match self.apply(Operation::Rooms { after: None, limit: PAGE_MAX }) {
            Ok(Answer::Rooms(records)) => records,
            _ => Vec::new(),
        }
    }

    /// What an origin reads when it starts: its own rooms, and of others' the records alone.
    pub(super) fn all_for(&self, node: &NodeId) -> Vec<Kept> {
        let read = |record: RoomRecord| {
            let foreign = record.ownership.owner.as_ref().is_some_and(|owner| owner != node);
            if foreign || record.closed_ms.is_some() {
                Kept::bare(record)
            } else {
                self.filled(record)
            }
        };
        self.records().into_iter().map(read).collect()
    }

    fn filled(&self, record: RoomRecord) -> Kept {
        let (room, limit, after) = (record.room.clone(), PAGE_MAX, String::new());
        let mut kept = Kept::bare(record);
        let asked = Operation::Appointments { room: room.clone(), after: after.clone(), limit };
        if let Ok(Answer::Appointments(page)) = self.apply(asked) {
            kept.appointments = page;
        }
        if let Ok(Answer::Bans(page)) =
            self.apply(Operation::Bans { room: room.clone(), after, limit })
        {
            kept.bans = page;
        }
        if let Ok(Answer::Log(log)) =
            self.apply(Operation::Log { room: room.clone(), after: 0, limit })
        {
            kept.log = log;
        }
        if let Ok(Answer::Hot(Some(hot))) = self.apply(Operation::Hot(room)) {
            kept.hot = hot;
        }
        kept
    }
}
