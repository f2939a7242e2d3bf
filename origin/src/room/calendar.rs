//! The time of day, from the monotonic clock.

use std::time::Instant;

/// A moment from which time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// On the monotonic clock.
    pub now: Instant,
    /// The same moment in milliseconds since 1970.
    pub unix_ms: u64,
}

impl Start {
    /// Milliseconds since 1970 at `now`; the wall clock is not asked again, so that it never goes back.
    #[must_use]
    pub fn unix_ms_at(&self, now: Instant) -> u64 {
        let gone = now.saturating_duration_since(self.now).as_millis();
        self.unix_ms.saturating_add(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}
