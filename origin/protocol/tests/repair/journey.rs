//! Frames over several hops, and what a listener at the end is missing.

use std::time::Duration;

use super::hop::{Loss, Passing, Path, Remedy, pass};

/// One frame of 20 ms in units of 2.5 ms.
const UNITS: u64 = 8;
/// What a hop takes without loss besides its path: a frame waits for company.
const AGGREGATION: Duration = Duration::from_millis(1);
/// The first frames are not counted: the loss has to become known.
pub(super) const SETTLING_FRAMES: usize = 1_000;

/// When frames are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// One each 20 ms.
    Steady,
    /// Two seconds of speech, one of a pause with a comfort frame each 400 ms, and so on.
    WithPauses,
}

/// A path of several hops that are alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journey {
    pub(super) hops: u32,
    pub(super) path: Path,
    pub(super) speech: Speech,
    /// How many are spoken, those of the settling included.
    pub(super) frames: u64,
    pub(super) seed: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    /// Frames that were counted.
    pub(super) frames: u64,
    /// Those of them that had not come when their time was over.
    pub(super) lost: u64,
    /// How much later than without loss those in time came.
    pub(super) added_p50: Duration,
    pub(super) added_p99: Duration,
    pub(super) added_max: Duration,
    /// Bytes on the wire in both directions of all hops.
    pub(super) bytes: u64,
    /// How often a link was taken for dead although it was not.
    pub(super) alarms: u64,
    /// Frames that rode along per frame.
    pub(super) riders: f64,
    /// Datagrams sent again per frame.
    pub(super) repairs: f64,
}

impl Journey {
    /// How much later than without loss a frame may come.
    pub(super) fn added_max(&self) -> Duration {
        self.path.rtt.max(Duration::from_millis(20) * self.hops) + Duration::from_millis(20)
    }

    /// Lets all frames travel.
    pub(super) fn run(&self, remedy: Remedy) -> Outcome {
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
        let frame =
            |index: u64| Passing { at: Duration::from_millis(20 * index), number: UNITS * index };
        let speaks = |index: u64| {
            let place = index % 150;
            self.speech == Speech::Steady || place < 100 || place.is_multiple_of(20)
        };
        let frames = usize::try_from(self.frames).unwrap_or(usize::MAX);
        (0..).filter(|index| speaks(*index)).take(frames).map(frame).collect()
    }

    fn judge(&self, spoken: &[Passing], heard: &[Passing], outcome: &mut Outcome) {
        let base = (self.path.rtt / 2 + AGGREGATION) * self.hops;
        let counted = &spoken[SETTLING_FRAMES.min(spoken.len())..];
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
        let last = in_time.len().saturating_sub(1);
        let at = |percent: usize| in_time.get(last * percent / 100).copied().unwrap_or_default();
        (outcome.added_p50, outcome.added_p99, outcome.added_max) = (at(50), at(99), at(100));
    }
}

/// The share of frames that three hops may lose, by loss of each.
pub(super) fn target(loss: Loss) -> Option<f64> {
    let Loss::Independent(share) = loss else { return None };
    let targets = [(0.01, 1e-5), (0.05, 2e-4), (0.1, 1e-3), (0.2, 5e-3)];
    targets.iter().find(|(loss, _)| (loss - share).abs() < 1e-9).map(|(_, target)| *target)
}

/// One over the other.
#[expect(clippy::cast_precision_loss, reason = "counts of a simulation")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
