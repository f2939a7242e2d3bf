//! How speakers at different edges hear each other: every frame once, and hardly later than the direct path takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_audio::frame::{FrameNumber, TrackId};

use super::account::{Account, Missed};
use super::paths::Paths;
use super::troubles::Troubles;
use super::ways::Ways;

/// How much longer a voice may take to another speaker than the path between their edges.
pub(super) const DETOUR_MAX: Duration = Duration::from_millis(5);

/// Frames that a delay must have been measured with.
const SAMPLES_MIN: usize = 50;

/// One speaker as another hears him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagePath {
    /// The speaker's edge.
    pub from: usize,
    /// The other's.
    pub to: usize,
    /// The path between the two, one way.
    pub direct: Duration,
    /// Median and 99th percentile of what it takes on the stage.
    pub stage: (Duration, Duration),
    /// Median of what the same frames take to the audience of the other edge: over the owner.
    pub tree: Option<Duration>,
}

/// The stage as each of its edges hears it.
#[derive(Debug, Default)]
pub(super) struct Stages {
    ears: BTreeMap<usize, Account>,
    voices: BTreeMap<TrackId, usize>,
}

impl Stages {
    /// Somebody at `from` says a frame, and these edges have others on the stage.
    pub(super) fn speak(
        &mut self,
        from: usize,
        edges: &BTreeSet<usize>,
        frame: (TrackId, FrameNumber),
        now: Instant,
    ) {
        self.voices.insert(frame.0, from);
        for edge in edges.iter().filter(|edge| **edge != from) {
            self.ears.entry(*edge).or_default().speak(from, frame.0, frame.1, now);
        }
    }

    pub(super) fn hear(&mut self, edge: usize, frame: (TrackId, FrameNumber), now: Instant) {
        self.ears.entry(edge).or_default().hear(edge, frame.0, frame.1, now);
    }

    pub(super) fn listen(&mut self, edge: usize, now: Instant) {
        self.ears.entry(edge).or_default().listen(edge, now);
    }

    pub(super) fn die(&mut self, edge: usize, now: Instant) {
        self.ears.entry(edge).or_default().die(edge, now);
    }

    /// What stages have missed of what was spoken from a moment on. The trees bring a stage everything once more, so that
    /// a frame may be missing there only where it may be missing for the audience.
    pub(super) fn missed(
        &self,
        from: Instant,
        now: Instant,
        ways: &mut Ways,
        troubles: &Troubles,
    ) -> Vec<Missed> {
        self.ears.values().flat_map(|ears| ears.missed(from, now, ways, troubles)).collect()
    }

    /// Frames that were heard twice by a stage.
    pub(super) fn twice(&self) -> usize {
        self.ears.values().map(|ears| ears.twice.len()).sum()
    }

    /// How late speakers hear each other, of what was spoken from a moment on.
    pub(super) fn paths(&self, tree: &Account, paths: &Paths, from: Instant) -> Vec<StagePath> {
        let mut all = Vec::new();
        for (edge, ears) in &self.ears {
            for (track, speaker) in self.voices.iter().filter(|(_, speaker)| *speaker != edge) {
                let delays = ears.delays_of(*edge, *track, from);
                if delays.len() < SAMPLES_MIN {
                    continue;
                }
                let at = |share: usize| delays.get(delays.len() * share / 100).copied();
                all.push(StagePath {
                    from: *speaker,
                    to: *edge,
                    direct: paths.delay(*speaker, *edge),
                    stage: (at(50).unwrap_or_default(), at(99).unwrap_or_default()),
                    tree: median(&tree.delays_of(*edge, *track, from)),
                });
            }
        }
        all
    }
}

impl StagePath {
    /// Whether most frames come as the direct path brings them.
    pub(super) fn is_direct(&self) -> bool {
        self.stage.0 <= self.direct + DETOUR_MAX
    }
}

fn median(sorted: &[Duration]) -> Option<Duration> {
    sorted.get(sorted.len() / 2).copied()
}
