//! Leases of origins, kept in memory: for the embedded store, whose file lock already says who is alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::NodeId;

use crate::store::error::StoreError;
use crate::store::limits::LEASES_MAX;

/// What makes one run of an origin another than the run before: drawn at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder(pub u128);

/// How others reach an origin, and what fails together with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Home {
    /// `HOST:PORT` of its mesh endpoint.
    pub address: String,
    /// E.g. a region or a rack.
    pub domain: String,
}

/// An origin that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The origin.
    pub node: NodeId,
    /// Which run of it.
    pub holder: Holder,
    /// How others reach it.
    pub home: Home,
    /// How long it still holds, by the store's clock.
    pub remaining_ms: u64,
}

/// All leases, on the monotonic clock.
#[derive(Debug, Default)]
pub struct LeaseBook {
    held: BTreeMap<NodeId, Held>,
}

#[derive(Debug)]
struct Held {
    holder: Holder,
    home: Home,
    until: Instant,
}

impl LeaseBook {
    /// Gives the lease to `holder` unless another holds it; extends it if he holds it already.
    ///
    /// # Errors
    /// Another holder, or too many leases.
    pub fn acquire(
        &mut self,
        node: &NodeId,
        holder: Holder,
        home: &Home,
        life: Duration,
        now: Instant,
    ) -> Result<(), StoreError> {
        self.held.retain(|_, held| held.until > now);
        match self.held.get(node) {
            Some(other) if other.holder != holder => Err(HELD),
            None if self.held.len() >= LEASES_MAX => {
                let max = LEASES_MAX as u64;
                Err(StoreError::Limit { what: "the number of leases", found: max + 1, max })
            }
            _ => {
                let held = Held { holder, home: home.clone(), until: now + life };
                self.held.insert(node.clone(), held);
                Ok(())
            }
        }
    }

    /// Extends a lease that still holds.
    ///
    /// # Errors
    /// When it has run out or is another's.
    pub fn renew(
        &mut self,
        node: &NodeId,
        holder: Holder,
        life: Duration,
        now: Instant,
    ) -> Result<(), StoreError> {
        match self.held.get_mut(node) {
            Some(held) if held.holder == holder && held.until > now => {
                held.until = now + life;
                Ok(())
            }
            _ => Err(NOT_HELD),
        }
    }

    /// Gives a lease back; without effect if it is not held.
    pub fn release(&mut self, node: &NodeId, holder: Holder) {
        if self.held.get(node).is_some_and(|held| held.holder == holder) {
            self.held.remove(node);
        }
    }

    /// Leases that hold, by node.
    #[must_use]
    pub fn live(&self, now: Instant) -> Vec<Lease> {
        let live = self.held.iter().filter(|(_, held)| held.until > now);
        live.map(|(node, held)| Lease {
            node: node.clone(),
            holder: held.holder,
            home: held.home.clone(),
            remaining_ms: u64::try_from((held.until - now).as_millis()).unwrap_or(u64::MAX),
        })
        .collect()
    }
}

/// The lease is another's.
pub(crate) const HELD: StoreError = StoreError::Conflict { what: "the lease is held by another" };

/// The lease has run out, or is another's.
pub(crate) const NOT_HELD: StoreError =
    StoreError::Conflict { what: "the lease is not held by this holder" };
