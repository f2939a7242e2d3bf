//! Frames over several hops, and what a listener at the end is missing.

use std::time::Duration;

use super::hop::{Loss, Passing, Path, Remedy, pass};

/// One frame of 20 ms in units of 2.5 ms.
const UNITS: u64 = 8;
/// What a hop takes without loss besides its path: a frame waits for company.
const AGGREGATION: Duration = Duration::from_millis(1);
/// The first frames are not counted: the loss has to become known.
pub const SETTLING_FRAMES: u64 = 1_000;

/// When frames are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// One each 20 ms.
    Steady,
    /// Two seconds of speech, one of a pause with a comfort frame each 400 ms, and so on.
    WithPauses,
}

/// A path of several hops that are alike.
#[derive(Clone, Copy, Debug)]
pub struct Journey {
    pub hops: u32,
    pub path: Path,
    pub speech: Speech,
    pub frames: u64,
    pub seed: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Frames that were counted.
    pub frames: u64,
    /// Those of them that had not come when their time was over.
    pub lost: u64,
    /// How much later than without loss those in time came.
    pub added_p50: Duration,
    pub added_p99: Duration,
    pub added_max: Duration,
    /// Bytes on the wire in both directions of all hops.
    pub bytes: u64,
    /// How often a link was taken for dead although it was not.
    pub alarms: u64,
    /// Frames that rode along per frame.
    pub riders: f64,
    /// Datagrams sent again per frame.
    pub repairs: f64,
}

impl Journey {
    /// How much later than without loss a frame may come.
    #[must_use]
    pub fn added_max(&self) -> Duration {
        self.path.rtt.max(Duration::from_millis(20) * self.hops) + Duration::from_millis(20)
    }

    /// Lets all frames travel.
    #[must_use]
    pub fn run(&self, remedy: Remedy) -> Outcome {
        let spoken = self.spoken();
        let (mut frames, mut outcome) = (spoken.clone(), Outcome::default());
        for hop in 0..self.hops {
            let seed = self.seed.wrapping_mul(31).wrapping_add(u64::from(hop));
            let passed = pass(&frames, self.path, remedy, seed);
            outcome.bytes += passed.bytes;
            outcome.alarms += passed.alarms;
            let share = ratio(1, spoken.len() as u64 * u64::from(self.hops));
            outcome.riders += ratio(passed.sender.redundant_out, 1) * share;
            outcome.repairs += ratio(passed.sender.repairs_out, 1) * share;
            frames = passed.frames;
        }
        self.judge(&spoken, &frames, &mut outcome);
        outcome
    }

    fn spoken(&self) -> Vec<Passing> {
        let frame = |index: u64| Passing {
            at: Duration::from_millis(20 * index),
            number: UNITS * index,
        };
        let speaks = |index: u64| {
            let place = index % 150;
            self.speech == Speech::Steady || place < 100 || place.is_multiple_of(20)
        };
        (0..).filter(|index| speaks(*index)).take(self.frames as usize).map(frame).collect()
    }

    fn judge(&self, spoken: &[Passing], heard: &[Passing], outcome: &mut Outcome) {
        let base = (self.path.rtt / 2 + AGGREGATION) * self.hops;
        let first = SETTLING_FRAMES as usize;
        let counted = &spoken[first.min(spoken.len())..];
        let mut in_time: Vec<Duration> = Vec::with_capacity(heard.len());
        for passing in heard {
            let said = Duration::from_micros(2_500 * passing.number);
            let added = passing.at.saturating_sub(said + base);
            let counts = counted.first().is_some_and(|first| passing.number >= first.number);
            if counts && added <= self.added_max() {
                in_time.push(added);
            }
        }
        in_time.sort_unstable();
        outcome.frames = counted.len() as u64;
        outcome.lost = outcome.frames - in_time.len() as u64;
        let at = |share: f64| {
            let last = in_time.len().saturating_sub(1);
            in_time.get((last as f64 * share) as usize).copied().unwrap_or_default()
        };
        (outcome.added_p50, outcome.added_p99, outcome.added_max) = (at(0.5), at(0.99), at(1.0));
    }
}

/// The share of frames that three hops may lose, by loss of each.
#[must_use]
pub fn target(loss: Loss) -> Option<f64> {
    let Loss::Independent(share) = loss else { return None };
    let targets = [(0.01, 1e-5), (0.05, 2e-4), (0.1, 1e-3), (0.2, 5e-3)];
    targets.iter().find(|(loss, _)| (loss - share).abs() < 1e-9).map(|(_, target)| *target)
}

/// One over the other.
#[must_use]
pub fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
