//! How long to wait before the next attempt to connect: exponential, capped, jittered; pure.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(10);
/// A link that stood so long makes the next wait short again.
const STABLE: Duration = Duration::from_secs(60);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The link stood from `up` until `now`.
    pub(crate) fn handle_down(&mut self, up: Instant, now: Instant) {
        if now.saturating_duration_since(up) >= STABLE {
            self.failures = 0;
        }
    }

    /// The wait before the next attempt: between half and all of a span that doubles each time.
    pub(crate) fn next_delay(&mut self, rng: &mut impl Rng) -> Duration {
        let span = DELAY_MIN.saturating_mul(1 << self.failures.min(16)).min(DELAY_MAX);
        self.failures = self.failures.saturating_add(1);
        span.mul_f64(rng.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_vary() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..40).map(|_| backoff.next_delay(&mut rng)).collect();
        assert!((DELAY_MIN / 2..=DELAY_MIN).contains(&waits[0]));
        assert!((DELAY_MIN..=DELAY_MIN * 2).contains(&waits[1]));
        assert!(waits[10..].iter().all(|wait| (DELAY_MAX / 2..=DELAY_MAX).contains(wait)));
        assert!(waits[10..].windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn only_a_link_that_stood_a_minute_makes_the_wait_short_again() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next_delay(&mut rng);
        }
        let up = Instant::now();
        backoff.handle_down(up, up + STABLE - Duration::from_millis(1));
        assert!(backoff.next_delay(&mut rng) > DELAY_MIN);
        backoff.handle_down(up, up + STABLE);
        assert!(backoff.next_delay(&mut rng) <= DELAY_MIN);
    }
}
