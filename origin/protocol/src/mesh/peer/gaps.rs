//! The peer's datagrams that are missing, and when to ask for them.
//!
//! A gap shows when a later datagram comes, or sooner: an active peer has promised a datagram each
//! 20 ms, so a silence that is a little longer has swallowed something. Reordering is waited for: a
//! datagram counts as missing a margin after it was expected, and the margin grows with jitter.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::mesh::repair::{NACK_SEQUENCES_MAX, Nack};

/// Most gaps that are looked after; the oldest give way.
pub const GAPS_MAX: usize = 128;
/// How often a datagram is asked for, if time allows.
pub(super) const ASKS_MAX: u8 = 4;
/// Least time between two questions.
pub(super) const NACK_SPACING: Duration = Duration::from_millis(5);
/// Waited for what is late, besides three times the jitter; covers timers of a millisecond.
const MARGIN: Duration = Duration::from_millis(3);
/// Nobody is asked more often than this in one silence: the peer may be dead.
const OPENS_MAX: u8 = 3;
/// So long after the last frame there is a pause, whose beats need no repair.
const PAUSE: Duration = Duration::from_millis(60);
/// A repair adds at most the round trip, or the delay of three frames that ride along, and one frame.
const RIDE: Duration = Duration::from_millis(60);
const SLACK: Duration = Duration::from_millis(20);
/// Beyond this no listener waits.
const WITHIN_MAX: Duration = super::kept::KEPT_AGE_MAX;

/// How much later than without loss a repaired frame may come.
pub(super) fn repair_within(rtt: Duration) -> Duration {
    (rtt.max(RIDE) + SLACK).min(WITHIN_MAX)
}

/// What the path is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) rtt: Duration,
    pub(super) jitter: Duration,
    /// The longest time between two datagrams of the peer, if it is active.
    pub(super) promised: Option<Duration>,
}

impl Path {
    fn margin(&self) -> Duration {
        MARGIN + self.jitter * 3
    }
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    sequence: u64,
    /// When it should have come.
    expected: Instant,
    asked: Option<Instant>,
    asks: u8,
}

impl Gap {
    /// When to ask for it; `None` if it would come too late or was asked for often enough.
    fn due(&self, path: &Path) -> Option<Instant> {
        let due = match self.asked {
            None => self.expected + path.margin(),
            Some(asked) => asked + path.rtt + path.margin(),
        };
        let in_time = due - self.expected + path.rtt <= repair_within(path.rtt);
        (in_time && self.asks < ASKS_MAX).then_some(due)
    }
}

/// What is missing of the peer's datagrams.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    gaps: VecDeque<Gap>,
    /// Datagrams after the highest that a repair has brought already.
    early: VecDeque<u64>,
    highest: Option<u64>,
    arrived: Option<Instant>,
    media: Option<Instant>,
    /// When the current silence was last asked about, and how often.
    opened: Option<Instant>,
    opens: u8,
    asked: Option<Instant>,
    /// Gaps that were asked about in vain.
    failed: u64,
}

impl Gaps {
    /// Takes note of a datagram; gives how many gaps were given up because there are too many.
    pub(super) fn handle_arrival(&mut self, sequence: u64, is_media: bool, now: Instant) -> u64 {
        if is_media {
            self.media = Some(now);
        }
        let (Some(highest), Some(arrived)) = (self.highest, self.arrived) else {
            (self.highest, self.arrived) = (Some(sequence), Some(now));
            return 0;
        };
        if sequence < highest {
            self.close(sequence);
            return 0;
        }
        let (steps, mut given_up) = (sequence - highest, 0);
        let silence = now.saturating_duration_since(arrived);
        let first = steps.saturating_sub(GAPS_MAX as u64).max(1);
        for step in first..steps {
            let missing = highest + step;
            if self.early.contains(&missing) {
                continue;
            }
            let expected = arrived + silence.mul_f64(ratio(step, steps));
            let opened = self.opened.filter(|opened| *opened >= expected);
            let gap = Gap {
                sequence: missing,
                expected,
                asked: opened,
                asks: if opened.is_some() { self.opens } else { 0 },
            };
            if self.gaps.len() >= GAPS_MAX {
                let oldest = self.gaps.pop_front();
                self.failed += u64::from(oldest.is_some_and(|gap| gap.asks > 0));
                given_up += 1;
            }
            self.gaps.push_back(gap);
        }
        (self.highest, self.arrived) = (Some(sequence), Some(now));
        (self.opened, self.opens) = (None, 0);
        self.early.retain(|early| *early > sequence);
        given_up
    }

    /// A beat of `sequence` says that the newest datagram with frames was the one of `media`: what is
    /// missing between the two needs no repair.
    pub(super) fn handle_media_newest(&mut self, media: u64, sequence: u64) {
        self.gaps.retain(|gap| gap.sequence <= media || gap.sequence > sequence);
    }

    /// A datagram was repaired, or cannot be.
    pub(super) fn close(&mut self, sequence: u64) {
        if self.highest.is_some_and(|highest| sequence > highest) {
            if self.early.len() >= NACK_SEQUENCES_MAX {
                self.early.pop_front();
            }
            self.early.push_back(sequence);
        } else if let Some(at) = self.gaps.iter().position(|gap| gap.sequence == sequence) {
            self.gaps.remove(at);
        }
    }

    /// Datagrams that were asked for and never came.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// When to ask next; `None` while nothing is missing that can still be had.
    pub(super) fn due(&self, path: &Path) -> Option<Instant> {
        let gaps = self.gaps.iter().filter_map(|gap| gap.due(path)).min();
        let due = gaps.into_iter().chain(self.open_due(path)).min()?;
        Some(self.asked.map_or(due, |asked| due.max(asked + NACK_SPACING)))
    }

    /// What to ask now; `None` when nothing is due. With a question that is due go those that are
    /// under way, as a second chance, if frames were lost since: losses in a row are what riding
    /// along does not repair.
    pub(super) fn ask(&mut self, path: &Path, now: Instant) -> Option<Nack> {
        let before = self.gaps.iter().filter(|gap| gap.asks > 0).count();
        self.gaps.retain(|gap| now.saturating_duration_since(gap.expected) <= WITHIN_MAX);
        let after = self.gaps.iter().filter(|gap| gap.asks > 0).count();
        self.failed += (before - after) as u64;
        if self.due(path).is_none_or(|due| due > now) {
            return None;
        }
        let highest = self.highest?;
        let open = self.open_due(path).is_some_and(|due| due <= now);
        if open {
            self.opened = Some(now);
            self.opens += 1;
        }
        let mut back = Vec::new();
        for gap in self.gaps.iter_mut().rev() {
            let again = gap.asked.is_some_and(|asked| now - asked >= NACK_SPACING)
                && now - gap.expected + path.rtt <= repair_within(path.rtt)
                && gap.asks < ASKS_MAX;
            if back.len() < NACK_SEQUENCES_MAX
                && (again || gap.due(path).is_some_and(|due| due <= now))
            {
                back.push(highest - gap.sequence);
                gap.asked = Some(now);
                gap.asks += 1;
            }
        }
        self.asked = Some(now);
        Some(Nack { open, highest, back })
    }

    /// When the current silence is too long to be one of the peer's.
    fn open_due(&self, path: &Path) -> Option<Instant> {
        let (promised, arrived, media) = (path.promised?, self.arrived?, self.media?);
        let talks = arrived.saturating_duration_since(media) < PAUSE;
        let since = self.opened.unwrap_or(arrived + path.margin());
        (talks && self.opens < OPENS_MAX).then_some(since + promised)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a short span")]
fn ratio(step: u64, steps: u64) -> f64 {
    step as f64 / steps as f64
}

#[cfg(test)]
#[path = "gaps_tests.rs"]
mod tests;
