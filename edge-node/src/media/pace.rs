//! When a slot's frames are expected, learned from when they came: packets leave by this clock at a
//! constant age, so that a short packet is never early and no jitter buffer grows because of it.

use std::time::{Duration, Instant};

/// Samples per second of the RTP clock of Opus (RFC 7587 section 4.1).
const CLOCK_HZ: u64 = 48_000;

/// The share of a frame's lateness by which the expectation follows it: slow enough to stay with
/// the earliest frames, fast enough for clocks that differ by 200 ppm.
const FOLLOW: u32 = 256;

/// The share of the spread that is forgotten with each frame; half of it within two seconds.
const FORGET: u32 = 128;

/// How long beyond its time a frame is waited for beside its usual lateness: timers and threads are not exact.
const MARGIN: Duration = Duration::from_millis(5);

/// Longest wait for a frame beyond its time; a listener's jitter buffer has no more to spare.
const WAIT_MAX: Duration = Duration::from_millis(60);

/// The arrival clock of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When a frame that ends at this position is expected.
    reference: Option<(Instant, u64)>,
    /// How late frames have lately been, at most.
    spread: Duration,
}

impl Pace {
    /// A frame that ends at position `end`, in samples on the slot's timeline, has come. `restarts`
    /// when it is the first of another track, whose way here may be longer or shorter.
    pub(super) fn note(&mut self, end: u64, restarts: bool, now: Instant) {
        let Some((at, newest)) = self.reference.filter(|_| !restarts) else {
            self.reference = Some((now, end));
            return;
        };
        let Some(ahead) = end.checked_sub(newest) else { return };
        let expected = at + time(ahead);
        let late = now.saturating_duration_since(expected);
        self.reference = Some((now.min(expected + late / FOLLOW), end));
        self.spread = late.max(self.spread - self.spread / FORGET);
    }

    /// When audio up to `position` is expected to be here; `now` before anything came.
    pub(super) fn expected(&self, position: u64, now: Instant) -> Instant {
        match self.reference {
            Some((at, newest)) if position >= newest => at + time(position - newest),
            Some((at, newest)) => at.checked_sub(time(newest - position)).unwrap_or(at),
            None => now,
        }
    }

    /// How long beyond its time a frame is worth waiting for.
    pub(super) fn patience(&self) -> Duration {
        (self.spread + MARGIN).min(WAIT_MAX)
    }
}

/// The time that so many samples take. Positions that differ by hours are a broken track's: an hour is enough.
pub(super) fn time(samples: u64) -> Duration {
    Duration::from_micros(samples.min(3_600 * CLOCK_HZ) * 1_000_000 / CLOCK_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_earliest_frames_set_the_clock_and_late_ones_the_patience() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for frame in 0..500u32 {
            let late = if frame % 5 == 0 { 8 * MS } else { Duration::ZERO };
            pace.note(960 * u64::from(frame), false, start + frame * 20 * MS + late);
        }
        let expected = pace.expected(960 * 500, start).duration_since(start + 500 * 20 * MS);
        assert!(expected < MS, "the clock follows late frames: {expected:?}");
        let patience = pace.patience();
        assert!((12 * MS..=13 * MS).contains(&patience), "{patience:?}");
    }

    #[test]
    fn a_path_that_has_become_longer_is_followed_and_a_shorter_one_at_once() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at =
            |frame: u32, late: Duration| (960 * u64::from(frame), start + frame * 20 * MS + late);
        for frame in 0..1_000 {
            let (end, now) = at(frame, 30 * MS);
            pace.note(end, false, now + 30 * MS);
        }
        assert_eq!(pace.patience(), MARGIN);
        let (end, now) = at(1_000, Duration::ZERO);
        pace.note(end, false, now);
        assert_eq!(pace.expected(end, now), now);
        for frame in 1_001..3_000 {
            let (end, now) = at(frame, 40 * MS);
            pace.note(end, false, now);
        }
        let (end, now) = at(3_000, 40 * MS);
        assert!(now.duration_since(pace.expected(end, now)) < MS);
    }

    #[test]
    fn another_track_starts_the_clock_anew_and_a_leap_of_a_clock_holds_nothing_back() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.note(960, false, start);
        pace.note(1_920, true, start + 55 * MS);
        assert_eq!(pace.expected(2_880, start), start + 75 * MS);
        pace.note(1_920 + 4 * CLOCK_HZ, false, start + 75 * MS);
        assert_eq!(pace.expected(1_920 + 4 * CLOCK_HZ, start), start + 75 * MS);
        assert!(pace.expected(u64::MAX, start) <= start + 2 * 3_600_000 * MS);
        assert!(pace.expected(0, start) <= start + 75 * MS);
    }
}
