//! Which frames were spoken, and which were heard where: the plain model that the network is compared with.
//!
//! Every listener hears every frame once. One may be missing where something was wrong less than [`HEAL`] before, and no
//! way to that listener stood through it (`ways`); where the edge of who speaks has lost an owner that runs, because that
//! alone decides who is heard; and a few while every path loses datagrams.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_audio::frame::{FrameNumber, TrackId};

use super::run::HEAL;
use super::troubles::Troubles;
use super::ways::Ways;

/// A frame that has not come after this time has not come.
const LATE: Duration = Duration::from_millis(1_500);

/// How much later than one that follows it a frame may come in a network where nothing is wrong: two feeds, and a former
/// parent beside a new one, are so far apart at most.
const DISORDER_MAX: Duration = Duration::from_millis(400);

/// Frames of a thousand, and on top of them, that may be missing while every path loses up to a tenth of its datagrams.
const TAKEN_PERMILLE: u64 = 5;
const TAKEN_MORE: u64 = 3;

/// How long after it has begun to lose less a path may still lose more than it repairs.
const TAKES_AFTER: Duration = Duration::from_millis(500);

type Key = (TrackId, FrameNumber);

/// Which frames were spoken, and which were heard where.
#[derive(Debug, Default)]
pub(super) struct Account {
    spoken: BTreeMap<Key, (usize, Instant)>,
    heard: BTreeMap<usize, BTreeMap<Key, Instant>>,
    /// Frames that were heard twice at an edge.
    pub(super) twice: Vec<(usize, TrackId, FrameNumber)>,
    /// When somebody listens at each edge.
    listening: BTreeMap<usize, Vec<(Instant, Option<Instant>)>>,
}

/// What one edge has missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// The edge.
    pub edge: usize,
    /// Frames that never came.
    pub frames: u64,
    /// Those of them that nothing excuses.
    pub unexcused: u64,
    /// Those that were spoken while paths lost datagrams, and nothing else excuses; of how many.
    pub taken: u64,
    /// How many were spoken then.
    pub spoken_then: u64,
    /// Frames that should have come.
    pub expected: u64,
    /// The longest run of missing frames.
    pub gap: Duration,
    /// When the last frame that never came was spoken, from the start.
    pub last_at: Option<Duration>,
    /// The same of the first that nothing excuses.
    pub unexcused_at: Option<Duration>,
    /// How much later than one that followed it a frame came at most, where nothing was wrong.
    pub disorder: Duration,
}

impl Missed {
    /// What is lost, in words, where nothing may be.
    pub(super) fn loss(&self) -> Option<String> {
        let (edge, frames, gap) = (self.edge, self.frames, self.gap);
        let at = self.last_at.unwrap_or_default();
        (frames > 0).then(|| {
            format!("edge {edge} lost {frames} frames, {gap:?} at most in one piece, up to {at:?}")
        })
    }

    /// What must not be, in words.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let edge = self.edge;
        if self.unexcused > 0 {
            let at = self.unexcused_at.unwrap_or_default();
            violations.push(format!(
                "edge {edge} misses {} frames that nothing excuses, the first of {at:?}",
                self.unexcused
            ));
        }
        if self.taken > TAKEN_MORE + self.spoken_then * TAKEN_PERMILLE / 1_000 {
            let (taken, then) = (self.taken, self.spoken_then);
            violations.push(format!("edge {edge} misses {taken} of {then} frames by loss alone"));
        }
        if self.disorder > DISORDER_MAX {
            let disorder = self.disorder;
            violations.push(format!("edge {edge} gets frames {disorder:?} after later ones"));
        }
        violations
    }
}

impl Account {
    pub(super) fn speak(&mut self, edge: usize, track: TrackId, number: FrameNumber, now: Instant) {
        self.spoken.insert((track, number), (edge, now));
    }

    pub(super) fn hear(&mut self, edge: usize, track: TrackId, number: FrameNumber, now: Instant) {
        let heard = self.heard.entry(edge).or_default();
        if heard.insert((track, number), now).is_some() {
            self.twice.push((edge, track, number));
        }
    }

    /// Somebody listens there from now on.
    pub(super) fn listen(&mut self, edge: usize, from: Instant) {
        self.listening.entry(edge).or_default().push((from, None));
    }

    /// An edge has died: nobody listens there any more.
    pub(super) fn die(&mut self, edge: usize, now: Instant) {
        for (_, until) in self.listening.entry(edge).or_default() {
            until.get_or_insert(now);
        }
    }

    fn listens(&self, edge: usize, at: Instant) -> bool {
        let since = |(from, until): &(Instant, Option<Instant>)| {
            *from <= at && until.is_none_or(|until| at + LATE < until)
        };
        self.listening.get(&edge).is_some_and(|spans| spans.iter().any(since))
    }

    /// What each edge has missed of what was spoken from a moment on, up to `now`.
    pub(super) fn missed(
        &self,
        from: Instant,
        now: Instant,
        ways: &mut Ways,
        troubles: &Troubles,
    ) -> Vec<Missed> {
        let edges = self.listening.keys();
        edges.map(|edge| self.missed_at(*edge, from, now, ways, troubles)).collect()
    }

    fn missed_at(
        &self,
        edge: usize,
        start: Instant,
        now: Instant,
        ways: &mut Ways,
        troubles: &Troubles,
    ) -> Missed {
        let heard = self.heard.get(&edge);
        let mut missed = Missed { edge, ..Missed::default() };
        let mut runs: BTreeMap<TrackId, u32> = BTreeMap::new();
        let mut soonest: BTreeMap<TrackId, Instant> = BTreeMap::new();
        // From the last to the first, so that what follows a frame is known.
        for (key, (mouth, at)) in self.spoken.iter().rev() {
            if *at < start || *at + LATE > now || !self.listens(edge, *at) {
                continue;
            }
            missed.expected += 1;
            let takes = troubles.takes(*at, TAKES_AFTER);
            missed.spoken_then += u64::from(takes);
            let run = runs.entry(key.0).or_default();
            let came = heard.and_then(|heard| heard.get(key)).filter(|came| **came <= *at + LATE);
            if let Some(came) = came {
                *run = 0;
                let later = soonest.entry(key.0).or_insert(*came);
                if !troubles.within(*at, HEAL) {
                    missed.disorder = missed.disorder.max(came.saturating_duration_since(*later));
                }
                *later = (*later).min(*came);
                continue;
            }
            missed.frames += 1;
            *run += 1;
            missed.gap = missed.gap.max(Duration::from_millis(20) * *run);
            let since = at.saturating_duration_since(start);
            missed.last_at = missed.last_at.max(Some(since));
            let no_way = troubles.within(*at, HEAL) && !ways.stood(*mouth, edge, *at);
            if no_way || ways.was_cut_off(*mouth, *at) {
                continue;
            }
            if takes {
                missed.taken += 1;
            } else {
                missed.unexcused += 1;
                missed.unexcused_at = Some(missed.unexcused_at.map_or(since, |at| at.min(since)));
            }
        }
        missed
    }

    /// How long frames of one track take that were spoken from a moment on, sorted.
    pub(super) fn delays_of(&self, edge: usize, track: TrackId, from: Instant) -> Vec<Duration> {
        let heard = self.heard.get(&edge).into_iter().flatten();
        let mut delays: Vec<Duration> = heard
            .filter(|((of, _), _)| *of == track)
            .filter_map(|(key, at)| {
                let (_, spoken) = self.spoken.get(key).filter(|(_, spoken)| *spoken >= from)?;
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
            .filter_map(|(key, at)| Some(at.saturating_duration_since(self.spoken.get(key)?.1)))
            .collect();
        delays.sort();
        delays
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::faults::Fault;
    use super::super::ways::{Steps, Stop};
    use super::*;

    const VOICE: TrackId = TrackId(1);
    const MOUTH: usize = 3;
    const LISTENER: usize = 4;

    /// Ten seconds of frames, of which one is lost after five, over ways that are lost after `until`.
    fn run(until: u64, faults: &[(u64, Fault)]) -> Missed {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut account, mut ways) = (Account::default(), Ways::default());
        let mut troubles = Troubles::default();
        let way = [(Stop::Mouth(MOUTH), Stop::Node(0)), (Stop::Node(0), Stop::Node(LISTENER))];
        ways.note(start, Steps::from(way), BTreeSet::new());
        ways.note(at(until), Steps::new(), BTreeSet::new());
        for (ms, fault) in faults {
            troubles.note(fault, at(*ms));
        }
        account.listen(LISTENER, start);
        for frame in 0..500 {
            let (number, spoken) = (FrameNumber(8 * frame), at(20 * frame));
            account.speak(MOUTH, VOICE, number, spoken);
            if frame != 250 {
                account.hear(LISTENER, VOICE, number, spoken + Duration::from_millis(80));
            }
        }
        account.missed(start, at(12_000), &mut ways, &troubles).remove(0)
    }

    #[test]
    fn a_missing_frame_is_excused_only_if_something_was_wrong_and_no_way_stood() {
        let dies = [(4_000, Fault::Kill(2))];
        let unexcused = |until, faults: &[_]| run(until, faults).unexcused;
        assert_eq!(unexcused(5_100, &dies), 0, "no way stood, and somebody had died");
        assert_eq!(unexcused(5_100, &[]), 1, "nothing was wrong");
        assert_eq!(unexcused(20_000, &dies), 1, "a way stood");
        let missed = run(20_000, &[]);
        assert_eq!((missed.frames, missed.expected), (1, 500));
        assert_eq!(missed.unexcused_at, Some(Duration::from_secs(5)));
        assert_eq!(missed.violations().len(), 1);
    }

    #[test]
    fn paths_that_lose_may_take_a_few() {
        let loses = [(4_000, Fault::Loss(0.1)), (6_000, Fault::Loss(0.0))];
        let missed = run(20_000, &loses);
        assert_eq!((missed.unexcused, missed.taken), (0, 1));
        assert!(missed.violations().is_empty());
        let many = Missed { taken: TAKEN_MORE + 1, spoken_then: 100, ..missed };
        assert_eq!(many.violations().len(), 1);
    }

    #[test]
    fn a_frame_that_comes_long_after_later_ones_is_out_of_order() {
        let start = Instant::now();
        let (mut account, mut ways) = (Account::default(), Ways::default());
        account.listen(LISTENER, start);
        for (number, heard_ms) in [(0, 100), (8, 900), (16, 120)] {
            account.speak(MOUTH, VOICE, FrameNumber(number), start);
            let heard = start + Duration::from_millis(heard_ms);
            account.hear(LISTENER, VOICE, FrameNumber(number), heard);
        }
        let now = start + Duration::from_secs(5);
        let missed = account.missed(start, now, &mut ways, &Troubles::default()).remove(0);
        assert_eq!(missed.disorder, Duration::from_millis(780));
        assert_eq!(missed.violations().len(), 1);
    }
}
