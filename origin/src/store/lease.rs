//! Leases of origins, kept in memory: for the embedded store, whose file lock already says who is alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_protocol::ids::NodeId;

use crate::store::error::StoreError;
use crate::store::limits::LEASES_MAX;

/// What makes one run of an origin another than the run before: drawn at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder(pub u128);

/// An origin that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The origin.
    pub node: NodeId,
    /// Which run of it.
    pub holder: Holder,
    /// How long it still holds, by the store's clock.
    pub remaining_ms: u64,
}

/// All leases, on the monotonic clock.
#[derive(Debug, Default)]
pub struct LeaseBook {
    held: BTreeMap<NodeId, (Holder, Instant)>,
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
        life: Duration,
        now: Instant,
    ) -> Result<(), StoreError> {
        self.held.retain(|_, (_, until)| *until > now);
        match self.held.get(node) {
            Some((other, _)) if *other != holder => Err(HELD),
            None if self.held.len() >= LEASES_MAX => {
                let max = LEASES_MAX as u64;
                Err(StoreError::Limit { what: "the number of leases", found: max + 1, max })
            }
            _ => {
                self.held.insert(node.clone(), (holder, now + life));
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
            Some((held, until)) if *held == holder && *until > now => {
                *until = now + life;
                Ok(())
            }
            _ => Err(NOT_HELD),
        }
    }

    /// Gives a lease back; without effect if it is not held.
    pub fn release(&mut self, node: &NodeId, holder: Holder) {
        if self.held.get(node).is_some_and(|(held, _)| *held == holder) {
            self.held.remove(node);
        }
    }

    /// Leases that hold, by node.
    #[must_use]
    pub fn live(&self, now: Instant) -> Vec<Lease> {
        let live = self.held.iter().filter(|(_, (_, until))| *until > now);
        live.map(|(node, (holder, until))| Lease {
            node: node.clone(),
            holder: *holder,
            remaining_ms: u64::try_from((*until - now).as_millis()).unwrap_or(u64::MAX),
        })
        .collect()
    }
}

/// The lease is another's.
pub(crate) const HELD: StoreError = StoreError::Conflict { what: "the lease is held by another" };

/// The lease has run out, or is another's.
pub(crate) const NOT_HELD: StoreError =
    StoreError::Conflict { what: "the lease is not held by this holder" };
