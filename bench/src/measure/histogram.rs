//! Percentiles of many latencies in little memory: buckets that grow with the value, 1.6 % wide.

use std::time::Duration;

/// Buckets per doubling.
const STEPS: usize = 64;
/// Doublings above the first 64 us: up to 70 minutes.
const DOUBLINGS: usize = 26;

/// Counts of latencies, exact to 1 us below 64 us and to 1.6 % above.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; STEPS * (DOUBLINGS + 1)], count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts a latency.
    pub fn record(&mut self, latency: Duration) {
        self.buckets[bucket(latency)] += 1;
        self.count += 1;
        self.max = self.max.max(latency);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest, exactly.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The latency that `share` (0 to 1) of all do not exceed; zero when nothing was counted.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let mut missing = (self.count as f64 * share).ceil();
        for (index, count) in self.buckets.iter().enumerate() {
            missing -= *count as f64;
            if missing <= 0.0 && *count > 0 {
                return upper_end(index).min(self.max);
            }
        }
        self.max
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }
}

fn bucket(latency: Duration) -> usize {
    let us = usize::try_from(latency.as_micros()).unwrap_or(usize::MAX);
    if us < STEPS {
        return us;
    }
    let doubling = us.ilog2() as usize - STEPS.ilog2() as usize;
    let step = (us >> doubling) - STEPS;
    (STEPS * (doubling + 1) + step).min(STEPS * (DOUBLINGS + 1) - 1)
}

/// The largest latency of a bucket.
fn upper_end(bucket: usize) -> Duration {
    if bucket < STEPS {
        return Duration::from_micros(bucket as u64);
    }
    let (doubling, step) = (bucket / STEPS - 1, bucket % STEPS);
    Duration::from_micros((((STEPS + step + 1) << doubling) - 1) as u64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn percentiles_are_within_two_percent_over_the_whole_range() {
        let mut histogram = Histogram::default();
        for us in 1..=100_000u64 {
            histogram.record(Duration::from_micros(us));
        }
        for (share, us) in [(0.01, 1_000.0), (0.5, 50_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
            let found = histogram.percentile(share).as_secs_f64() * 1e6;
            assert!((found / us - 1.0f64).abs() < 0.02, "{share}: {found} us");
        }
        assert_eq!(histogram.max(), Duration::from_micros(100_000));
    }

    #[test]
    fn nothing_counted_is_zero_and_hours_do_not_break_it() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.5), Duration::ZERO);
        histogram.record(Duration::from_secs(86_400));
        assert_eq!(histogram.max(), Duration::from_secs(86_400));
        assert_eq!(histogram.count(), 1);
    }

    #[test]
    fn merged_histograms_count_as_one() {
        let (mut one, mut two) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_micros(10));
        two.record(Duration::from_micros(30));
        one.merge(&two);
        assert_eq!((one.count(), one.percentile(0.5)), (2, Duration::from_micros(10)));
        assert_eq!(one.percentile(1.0), Duration::from_micros(30));
    }
}
