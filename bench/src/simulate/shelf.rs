//! The store that origins share: the embedded one, in memory, asked without waiting for a clock; and what the keepers of
//! leases read in it.

use anyhow::{Context, Result};
use stoa_origin::cluster::{LiveOrigin, Tidings};
use stoa_origin::store::{Answer, Embedded, Home, Kept, Operation, RoomRecord, Store, StoreError};
use stoa_protocol::ids::RoomId;
use tokio::runtime::Runtime;

use super::node::Node;
use super::world::{Happening, LEASE, TIDINGS_INTERVAL, World};

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

impl World {
    /// Keepers of leases tell who is alive.
    pub(super) fn tell_tidings(&mut self) {
        let alive = |node: &&Node| node.is_origin() && node.runs();
        let live: Vec<LiveOrigin> = self
            .nodes
            .iter()
            .filter(alive)
            .map(|node| LiveOrigin {
                node: node.identity.node.clone(),
                home: Home {
                    address: format!("{}:1", node.identity.node),
                    domain: node.place.code.to_owned(),
                },
            })
            .collect();
        for index in 0..self.nodes.len() {
            if !self.nodes[index].runs() {
                continue;
            }
            let (now, up) = (self.now, self.store_is_up);
            let told = Tidings {
                until: up.then(|| now + LEASE),
                live: up.then(|| live.clone()),
                records: None,
            };
            if let Some(service) = self.nodes[index].service() {
                service.handle_tidings(told, now);
                self.carry_out(index);
            }
        }
        self.at(self.now + TIDINGS_INTERVAL, Happening::Tidings);
    }
}
