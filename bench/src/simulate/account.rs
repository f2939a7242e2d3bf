//! Which frames were spoken, and which were heard where: the plain model that the network is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_audio::frame::{FrameNumber, TrackId};

/// A frame that has not come after this time has not come.
const LATE: Duration = Duration::from_millis(1_500);

/// Which frames were spoken, and which were heard where.
#[derive(Debug, Default)]
pub(super) struct Account {
    spoken: BTreeMap<(TrackId, FrameNumber), Instant>,
    heard: BTreeMap<usize, BTreeMap<(TrackId, FrameNumber), Instant>>,
    /// Frames that were heard twice at an edge.
    pub(super) twice: Vec<(usize, TrackId, FrameNumber)>,
    /// Since when each edge is complete, and listens.
    listening: BTreeMap<usize, Instant>,
    deaf: BTreeSet<usize>,
}

/// What one edge has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The edge.
    pub edge: usize,
    /// Frames that never came.
    pub frames: u64,
    /// Frames that should have come.
    pub expected: u64,
    /// The longest run of missing frames.
    pub gap: Duration,
    /// When the last frame that never came was spoken, from the start.
    pub last_at: Option<Duration>,
}

impl Account {
    pub(super) fn speak(&mut self, track: TrackId, number: FrameNumber, now: Instant) {
        self.spoken.insert((track, number), now);
    }

    pub(super) fn hear(&mut self, edge: usize, track: TrackId, number: FrameNumber, now: Instant) {
        let heard = self.heard.entry(edge).or_default();
        if heard.insert((track, number), now).is_some() {
            self.twice.push((edge, track, number));
        }
    }

    /// From now on nothing may be missing at this edge.
    pub(super) fn listen(&mut self, edge: usize, now: Instant) {
        self.listening.insert(edge, now);
    }

    /// An edge has died: nobody listens there any more.
    pub(super) fn die(&mut self, edge: usize) {
        self.deaf.insert(edge);
    }

    /// What each living edge has missed of what was spoken between two moments, up to `now`.
    pub(super) fn missed(
        &self,
        from: Instant,
        until: Instant,
        now: Instant,
        start: Instant,
    ) -> Vec<Missed> {
        let living = self.listening.iter().filter(|(edge, _)| !self.deaf.contains(edge));
        living
            .map(|(edge, since)| {
                let heard = self.heard.get(edge);
                let mut missed = Missed {
                    edge: *edge,
                    frames: 0,
                    expected: 0,
                    gap: Duration::ZERO,
                    last_at: None,
                };
                let mut runs: BTreeMap<TrackId, u32> = BTreeMap::new();
                for ((track, number), at) in &self.spoken {
                    if at < since || *at < from || *at >= until || *at + LATE > now {
                        continue;
                    }
                    missed.expected += 1;
                    let run = runs.entry(*track).or_default();
                    if heard.is_some_and(|heard| heard.contains_key(&(*track, *number))) {
                        *run = 0;
                        continue;
                    }
                    missed.frames += 1;
                    *run += 1;
                    missed.gap = missed.gap.max(Duration::from_millis(20) * *run);
                    let at = at.saturating_duration_since(start);
                    missed.last_at = Some(missed.last_at.map_or(at, |last| last.max(at)));
                }
                missed
            })
            .collect()
    }

    /// How long frames of one track take that were spoken from a moment on, sorted.
    pub(super) fn delays_of(&self, edge: usize, track: TrackId, from: Instant) -> Vec<Duration> {
        let heard = self.heard.get(&edge).into_iter().flatten();
        let mut delays: Vec<Duration> = heard
            .filter(|((of, _), _)| *of == track)
            .filter_map(|(key, at)| {
                let spoken = self.spoken.get(key).filter(|spoken| **spoken >= from)?;
                Some(at.saturating_duration_since(*spoken))
            })
            .collect();
        delays.sort();
        delays
    }

    /// How long frames take from mouth to edge, sorted.
    pub(super) fn delays(&self, edge: usize) -> Vec<Duration> {
        let heard = self.heard.get(&edge).into_iter().flatten();
        let mut delays: Vec<Duration> = heard
            .filter_map(|(key, at)| Some(at.saturating_duration_since(*self.spoken.get(key)?)))
            .collect();
        delays.sort();
        delays
    }
}
