//! How soon a peer that has died is noticed.

use std::time::Duration;

use super::hop::{Passing, Path, noticed};

/// How soon a death has to be noticed.
pub(super) const NOTICED_MAX: Duration = Duration::from_millis(150);

/// What it says before it dies: half a minute of frames of 20 ms, so that the loss is known.
const FRAMES: u64 = 1_500;

/// How soon it was noticed in many runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deaths {
    pub(super) p50: Duration,
    pub(super) p95: Duration,
    pub(super) most: Duration,
    /// The share that was noticed within [`NOTICED_MAX`].
    pub(super) in_time: f64,
    /// How often somebody was taken for dead who was not.
    pub(super) alarms: usize,
}

/// Lets the sender of such a path die so many times.
#[must_use]
pub(super) fn deaths(path: Path, runs: u64, seed: u64) -> Deaths {
    let passing = |index: u64| Passing { at: Duration::from_millis(20 * index), number: 8 * index };
    let frames: Vec<Passing> = (0..FRAMES).map(passing).collect();
    let run = |run: u64| noticed(&frames, path, seed.wrapping_mul(1_000_003).wrapping_add(run));
    let mut silences: Vec<Duration> = (0..runs).filter_map(run).collect();
    silences.sort_unstable();
    let last = silences.len().saturating_sub(1);
    let at = |percent: usize| silences.get(last * percent / 100).copied().unwrap_or_default();
    let in_time = silences.iter().filter(|silence| **silence <= NOTICED_MAX).count();
    Deaths {
        p50: at(50),
        p95: at(95),
        most: at(100),
        in_time: super::journey::ratio(in_time as u64, silences.len() as u64),
        alarms: usize::try_from(runs).unwrap_or(usize::MAX) - silences.len(),
    }
}
