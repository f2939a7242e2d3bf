//! Which frames of a track have been heard: every frame may come over two trees and again from a
//! back-fill, and must be played once.

use stoa_audio::frame::{Epoch, FrameNumber};

/// How far back a frame may come and still be told from a duplicate, in units of 2.5 ms: 2.56 s.
pub(super) const WINDOW_UNITS: u64 = 1_024;

const WORDS: usize = 16;
const _: () = assert!(WORDS as u64 * 64 == WINDOW_UNITS);

/// What is known of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not heard yet.
    Fresh,
    /// Heard before.
    Duplicate,
    /// Too far behind the newest to tell; nobody could play it any more.
    TooOld,
    /// Of an older epoch than the newest.
    OldEpoch,
}

/// The frames heard of one track.
#[derive(Clone, Debug)]
pub(super) struct Window {
    epoch: Epoch,
    newest: Option<FrameNumber>,
    heard: [u64; WORDS],
}

impl Window {
    /// Nothing heard; epochs older than `epoch` are refused.
    #[must_use]
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { epoch, newest: None, heard: [0; WORDS] }
    }

    /// Takes note of a frame.
    pub(super) fn check(&mut self, epoch: Epoch, number: FrameNumber) -> Verdict {
        if epoch < self.epoch {
            return Verdict::OldEpoch;
        }
        if epoch > self.epoch {
            *self = Self::new(epoch);
        }
        match self.newest {
            None => self.heard = [0; WORDS],
            Some(newest) if number > newest => self.forget_between(newest, number),
            Some(newest) if newest.0 - number.0 >= WINDOW_UNITS => return Verdict::TooOld,
            Some(_) => {}
        }
        self.newest = self.newest.max(Some(number));
        let (word, bit) = place(number.0);
        let Some(word) = self.heard.get_mut(word) else { return Verdict::TooOld };
        if *word & bit != 0 {
            return Verdict::Duplicate;
        }
        *word |= bit;
        Verdict::Fresh
    }

    /// Clears the places that numbers after `newest` up to `number` reuse.
    fn forget_between(&mut self, newest: FrameNumber, number: FrameNumber) {
        if number.0 - newest.0 >= WINDOW_UNITS {
            self.heard = [0; WORDS];
            return;
        }
        for unit in newest.0 + 1..=number.0 {
            let (word, bit) = place(unit);
            if let Some(word) = self.heard.get_mut(word) {
                *word &= !bit;
            }
        }
    }
}

fn place(number: u64) -> (usize, u64) {
    let unit = number % WINDOW_UNITS;
    // Below WINDOW_UNITS, so it fits.
    (usize::try_from(unit / 64).unwrap_or(0), 1 << (unit % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_newer_epoch_starts_afresh_and_the_older_is_refused() {
        let mut window = Window::new(Epoch(1));
        assert_eq!(window.check(Epoch(1), FrameNumber(80)), Verdict::Fresh);
        assert_eq!(window.check(Epoch(2), FrameNumber(8)), Verdict::Fresh);
        assert_eq!(window.check(Epoch(1), FrameNumber(88)), Verdict::OldEpoch);
        assert_eq!(window.check(Epoch(2), FrameNumber(8)), Verdict::Duplicate);
    }

    #[test]
    fn the_last_possible_number_does_not_overflow() {
        let mut window = Window::new(Epoch(0));
        assert_eq!(window.check(Epoch(0), FrameNumber(u64::MAX)), Verdict::Fresh);
        assert_eq!(window.check(Epoch(0), FrameNumber(0)), Verdict::TooOld);
        assert_eq!(window.check(Epoch(0), FrameNumber(u64::MAX - 8)), Verdict::Fresh);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_everything_heard(
            steps in proptest::collection::vec(-1_500i64..3_000, 1..300)
        ) {
            let mut window = Window::new(Epoch(0));
            let mut heard = BTreeSet::new();
            let mut newest = 10_000u64;
            heard.insert(newest);
            window.check(Epoch(0), FrameNumber(newest));
            for step in steps {
                let number = newest.saturating_add_signed(step / 8);
                let expected = if newest.saturating_sub(number) >= WINDOW_UNITS {
                    Verdict::TooOld
                } else if heard.insert(number) {
                    Verdict::Fresh
                } else {
                    Verdict::Duplicate
                };
                newest = newest.max(number);
                prop_assert_eq!(window.check(Epoch(0), FrameNumber(number)), expected);
            }
        }
    }
}
