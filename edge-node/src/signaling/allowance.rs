//! How often something may happen: at a steady pace, with a small burst. Pure.

use std::time::{Duration, Instant};

/// A token bucket, kept as the one moment at which it is full again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    every: Duration,
    burst: u32,
    full_at: Instant,
}

impl Allowance {
    /// A full one: once per `every` on average, `burst` times at once.
    #[must_use]
    pub(super) fn new(every: Duration, burst: u32, now: Instant) -> Self {
        Self { every, burst, full_at: now }
    }

    /// Whether it may happen once more; what is refused costs nothing.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.every;
        let admitted = full_at.saturating_duration_since(now) <= self.every * self.burst;
        if admitted {
            self.full_at = full_at;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Duration::from_secs(1), 3, start);
        assert_eq!((0..10).filter(|_| allowance.admit(start)).count(), 3);
        assert!(!allowance.admit(start + Duration::from_millis(999)));
        let later = start + Duration::from_secs(2);
        assert_eq!((0..10).filter(|_| allowance.admit(later)).count(), 2);
    }

    #[test]
    fn a_long_rest_fills_no_more_than_the_burst() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Duration::from_secs(1), 3, start);
        let later = start + Duration::from_secs(3_600);
        assert_eq!((0..10).filter(|_| allowance.admit(later)).count(), 3);
    }
}
