//! How loud a track spoke within the last 600 ms, in a ring of twelve buckets.
//!
//! Only voiced frames count, so a pause between words does not make a speaker quieter; it shows in
//! [`Loudness::voiced`] instead.

use std::time::{Duration, Instant};

use crate::frame::{FrameDuration, Level};

/// How far back the window reaches.
pub(super) const WINDOW: Duration = Duration::from_millis(600);

const BUCKETS: usize = 12;
const BUCKET_MS: u128 = WINDOW.as_millis() / BUCKETS as u128;

/// Audio that may count at once after a silence of the network, in units of 2.5 ms: 150 ms. A burst
/// beyond it says nothing about loudness, and a sender faster than time gains nothing.
const CREDIT_MAX: u64 = 60;
const UNIT: Duration = Duration::from_micros(2_500);

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// 127 minus the level in -dBov, times units of 2.5 ms.
    points: u32,
    /// Voiced units of 2.5 ms.
    units: u32,
}

/// The window of one track.
#[derive(Clone, Debug)]
pub(super) struct Loudness {
    origin: Instant,
    newest: u64,
    buckets: [Bucket; BUCKETS],
    credit: u64,
    credited: Instant,
}

impl Loudness {
    pub(super) fn new(now: Instant) -> Self {
        let buckets = [Bucket::default(); BUCKETS];
        Self { origin: now, newest: 0, buckets, credit: CREDIT_MAX, credited: now }
    }

    /// Adds a voiced frame.
    pub(super) fn add(&mut self, level: Level, duration: FrameDuration, now: Instant) {
        let units = self.spend_credit(duration, now);
        let index = self.index(now).max(self.newest);
        let passed = (index - self.newest).min(BUCKETS as u64);
        for ahead in 1..=passed {
            *self.bucket_mut(self.newest + ahead) = Bucket::default();
        }
        if passed == BUCKETS as u64 {
            self.buckets = [Bucket::default(); BUCKETS];
        }
        self.newest = index;
        let bucket = self.bucket_mut(index);
        bucket.points += u32::from(127 - level.minus_dbov()) * units;
        bucket.units += units;
    }

    /// Mean loudness of the voiced frames in the window in dB over silence, 0 to 127; 0 when none.
    pub(super) fn mean(&self, now: Instant) -> u32 {
        let sum = self.sum(now);
        sum.points.checked_div(sum.units).unwrap_or(0)
    }

    /// How much of the window was voiced.
    pub(super) fn voiced(&self, now: Instant) -> Duration {
        UNIT * self.sum(now).units
    }

    fn sum(&self, now: Instant) -> Bucket {
        let index = self.index(now).max(self.newest);
        let oldest = (index + 1).saturating_sub(BUCKETS as u64);
        let mut sum = Bucket::default();
        for at in oldest..=self.newest {
            let bucket = self.buckets[slot(at)];
            sum.points += bucket.points;
            sum.units += bucket.units;
        }
        sum
    }

    fn spend_credit(&mut self, duration: FrameDuration, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.credited).as_micros() / UNIT.as_micros();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.credited += UNIT * passed;
        self.credit = (self.credit + u64::from(passed)).min(CREDIT_MAX);
        let units = u64::from(duration.units()).min(self.credit);
        self.credit -= units;
        u32::try_from(units).unwrap_or(0)
    }

    fn index(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.origin).as_millis() / BUCKET_MS;
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    fn bucket_mut(&mut self, index: u64) -> &mut Bucket {
        &mut self.buckets[slot(index)]
    }
}

fn slot(index: u64) -> usize {
    usize::try_from(index % BUCKETS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS_20: Duration = Duration::from_millis(20);

    fn level(minus_dbov: u8) -> Level {
        Level::from_minus_dbov(minus_dbov)
    }

    #[test]
    fn steady_speech_has_its_level_and_fills_the_window() {
        let start = Instant::now();
        let mut loudness = Loudness::new(start);
        for frame in 0..100 {
            loudness.add(level(27), FrameDuration::MS_20, start + MS_20 * frame);
        }
        let now = start + MS_20 * 99;
        assert_eq!(loudness.mean(now), 100);
        assert!(loudness.voiced(now) >= WINDOW - Duration::from_millis(50));
        assert!(loudness.voiced(now) <= WINDOW);
    }

    #[test]
    fn speech_is_forgotten_after_the_window() {
        let start = Instant::now();
        let mut loudness = Loudness::new(start);
        loudness.add(level(27), FrameDuration::MS_20, start);
        assert_eq!(loudness.voiced(start + WINDOW / 2), MS_20);
        assert_eq!(loudness.mean(start + WINDOW), 0);
        loudness.add(level(47), FrameDuration::MS_20, start + WINDOW * 10);
        assert_eq!(loudness.mean(start + WINDOW * 10), 80);
        assert_eq!(loudness.voiced(start + WINDOW * 10), MS_20);
    }

    #[test]
    fn a_burst_counts_no_more_than_150_ms() {
        let start = Instant::now();
        let mut loudness = Loudness::new(start);
        for _ in 0..1_000 {
            loudness.add(level(0), FrameDuration::MS_20, start);
        }
        assert_eq!(loudness.voiced(start), Duration::from_millis(150));
    }

    #[test]
    fn a_clock_that_steps_back_does_no_harm() {
        let start = Instant::now() + WINDOW;
        let mut loudness = Loudness::new(start);
        loudness.add(level(27), FrameDuration::MS_20, start + WINDOW);
        loudness.add(level(27), FrameDuration::MS_20, start - WINDOW);
        assert_eq!(loudness.mean(start), 100);
    }
}
