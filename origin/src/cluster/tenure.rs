//! Until when an origin may act on the strength of its lease, and what it hears of the others.

use std::time::Instant;

use stoa_protocol::ids::NodeId;

use crate::store::{Home, RoomRecord};

/// The right to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenure {
    /// The store is this origin's own file: there is nobody else.
    Alone,
    /// A lease, by the monotonic clock: it goes on while the process is frozen.
    Until(Instant),
}

impl Tenure {
    /// Whether it holds.
    #[must_use]
    pub fn holds(self, now: Instant) -> bool {
        match self {
            Self::Alone => true,
            Self::Until(end) => now < end,
        }
    }
}

/// An origin with a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOrigin {
    /// Which.
    pub node: NodeId,
    /// Where it is.
    pub home: Home,
}

/// What the keeper of the lease has to tell.
#[derive(Clone, Debug, Default)]
pub struct Tidings {
    /// Until when the own lease holds, if it does.
    pub until: Option<Instant>,
    /// Origins with a lease, this one included; absent when the store could not be read.
    pub live: Option<Vec<LiveOrigin>>,
    /// After the lease had run out and was taken anew: what the store says of all rooms.
    pub records: Option<Vec<RoomRecord>>,
}
