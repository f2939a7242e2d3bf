//! How often something is told: the first change at once, further ones together after an interval.

use std::time::{Duration, Instant};

/// Messages per second that one room's announcements may cost; larger rooms hear more rarely.
pub(super) const ANNOUNCEMENTS_PER_SECOND: u32 = 10_000;

/// When something was told, and whether news waits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    told_at: Option<Instant>,
    waits: bool,
}

/// What to do about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Tell now.
    Now,
    /// Set a timer, then call [`Pace::take`].
    At(Instant),
    /// A timer is set already.
    Later,
}

impl Pace {
    /// Something has changed.
    pub(super) fn note(&mut self, interval: Duration, now: Instant) -> Due {
        if self.waits {
            return Due::Later;
        }
        match self.told_at.map(|told_at| told_at + interval) {
            Some(due) if due > now => {
                self.waits = true;
                Due::At(due)
            }
            _ => {
                self.told_at = Some(now);
                Due::Now
            }
        }
    }

    /// The timer has fired. Says whether there is something to tell.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let waited = std::mem::take(&mut self.waits);
        if waited {
            self.told_at = Some(now);
        }
        waited
    }
}

/// The interval for `ears` receivers, at least `floor`.
#[must_use]
pub(super) fn interval(floor: Duration, ears: usize) -> Duration {
    let ears = u32::try_from(ears).unwrap_or(u32::MAX);
    floor.max(Duration::from_secs(1) / ANNOUNCEMENTS_PER_SECOND * ears)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_told_at_once_and_the_next_ones_together() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let interval = Duration::from_millis(200);
        let due = start + interval;
        assert_eq!(pace.note(interval, start), Due::Now);
        assert_eq!(pace.note(interval, start + interval / 4), Due::At(due));
        assert_eq!(pace.note(interval, start + interval / 2), Due::Later);
        assert!(pace.take(due));
        assert!(!pace.take(due));
        assert_eq!(pace.note(interval, due + interval), Due::Now);
    }

    #[test]
    fn a_large_room_is_told_more_rarely() {
        let floor = Duration::from_millis(200);
        assert_eq!(interval(floor, 10), floor);
        assert_eq!(interval(floor, 10_000), Duration::from_secs(1));
    }
}
