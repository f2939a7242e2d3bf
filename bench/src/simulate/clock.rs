//! A node's own clock: it may run fast or slow, and it stands still while its machine is suspended.

use std::time::{Duration, Instant};

/// Added to each deadline, so that a clock shows at least that when it has come.
const SLACK: Duration = Duration::from_micros(1);

/// A node's monotonic clock, and how wrong its wall clock is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When it was last set to anything, in the simulation's time, and what it showed then.
    at: Instant,
    shows: Instant,
    /// How much faster than real it runs, in millionths.
    ppm: i32,
    stands: bool,
    /// How far the wall clock is ahead, in milliseconds.
    pub(super) wall_ahead_ms: i64,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, shows: now, ppm: 0, stands: false, wall_ahead_ms: 0 }
    }

    /// What it shows.
    pub(super) fn read(&self, now: Instant) -> Instant {
        if self.stands {
            return self.shows;
        }
        self.shows + scaled(now.saturating_duration_since(self.at), self.ppm)
    }

    /// When it will show this.
    pub(super) fn when(&self, shows: Instant) -> Instant {
        self.at + scaled(shows.saturating_duration_since(self.shows), -self.ppm) + SLACK
    }

    /// From now on it runs so much faster than real, in millionths.
    pub(super) fn run_at(&mut self, ppm: i32, now: Instant) {
        (self.shows, self.at) = (self.read(now), now);
        self.ppm = ppm;
    }

    pub(super) fn stop(&mut self, now: Instant) {
        (self.shows, self.at) = (self.read(now), now);
        self.stands = true;
    }

    pub(super) fn go_on(&mut self, now: Instant) {
        self.at = now;
        self.stands = false;
    }
}

/// Exact enough: the error of the inverse is the square of some 100 millionths.
fn scaled(span: Duration, ppm: i32) -> Duration {
    let more = span.mul_f64(f64::from(ppm.unsigned_abs()) / 1e6);
    if ppm >= 0 { span + more } else { span - more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_a_deadline_when_it_has_come_and_no_time_passes_while_it_stands() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        for ppm in [100, -100, 0] {
            clock.run_at(ppm, start);
            let deadline = start + Duration::from_secs(10);
            let when = clock.when(deadline);
            assert!(clock.read(when) >= deadline, "{ppm}");
            assert!(clock.read(when) <= deadline + Duration::from_micros(3), "{ppm}");
        }
        clock.stop(start + Duration::from_secs(5));
        assert_eq!(clock.read(start + Duration::from_secs(9)), start + Duration::from_secs(5));
        clock.go_on(start + Duration::from_secs(9));
        assert_eq!(
            clock.when(start + Duration::from_secs(6)),
            start + Duration::from_secs(10) + SLACK
        );
    }
}
