//! Which frames count: those sent while all listeners were there. One listener's record of them.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Frames that a listener remembers to tell duplicates from late ones.
const REMEMBERED: u32 = 64;

/// The numbers of the frames that count, set by the one who measures, read by the swarm.
#[derive(Debug, Default)]
pub(super) struct Window(AtomicU64);

impl Window {
    /// From now on frames of these numbers count.
    pub(super) fn set(&self, frames: Range<u32>) {
        let word = u64::from(frames.start) << 32 | u64::from(frames.end);
        self.0.store(word, Ordering::Release);
    }

    /// The numbers that count; empty before they are set.
    pub(super) fn frames(&self) -> Range<u32> {
        let word = self.0.load(Ordering::Acquire);
        let [begin, end] = [word >> 32, word & u64::from(u32::MAX)];
        u32::try_from(begin).unwrap_or(0)..u32::try_from(end).unwrap_or(0)
    }
}

/// What a frame is to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// For the first time.
    New,
    /// Again.
    Duplicate,
    /// So long after later ones that nobody remembers whether it came before.
    Late,
}

/// Which of the newest frames a listener has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record {
    /// One more than the newest number; 0 before any.
    after_newest: u32,
    seen: u64,
}

impl Record {
    /// Notes a frame.
    pub(super) fn note(&mut self, number: u32) -> Arrival {
        let after = number.saturating_add(1);
        if after > self.after_newest {
            let ahead = after - self.after_newest;
            self.seen = if ahead < REMEMBERED { self.seen << ahead } else { 0 } | 1;
            self.after_newest = after;
            return Arrival::New;
        }
        let back = self.after_newest - after;
        if back >= REMEMBERED {
            return Arrival::Late;
        }
        let bit = 1 << back;
        let known = self.seen & bit != 0;
        self.seen |= bit;
        if known { Arrival::Duplicate } else { Arrival::New }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Record, Window};

    #[test]
    fn a_window_is_empty_until_it_is_set() {
        let window = Window::default();
        assert!(window.frames().is_empty());
        window.set(100..u32::MAX);
        assert_eq!(window.frames(), 100..u32::MAX);
    }

    #[test]
    fn each_frame_counts_once_in_any_order() {
        let mut record = Record::default();
        for number in [0, 2, 1, 70, 69] {
            assert_eq!(record.note(number), Arrival::New, "{number}");
        }
        for number in [70, 69] {
            assert_eq!(record.note(number), Arrival::Duplicate, "{number}");
        }
        assert_eq!(record.note(5), Arrival::Late);
        assert_eq!(record.note(7), Arrival::New, "63 before the newest is still remembered");
    }
}
