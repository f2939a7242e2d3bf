//! How fast a link beats while it carries tracks: the more of what we send is lost, the faster, so that the peer knows
//! as soon that we are alive, and what it misses.

use std::time::Duration;

use super::wire::{BEAT_ACTIVE, BEAT_LOSSY, BEAT_URGENT};

/// Six beats of the slow pace are a sure sign of death up to about this loss.
const LOSSY_FROM: f64 = 0.016;
const LOSSY_UNTIL: f64 = 0.012;
/// From this loss on a sure sign takes so many beats of the next pace that a death is noticed too late.
const URGENT_FROM: f64 = 0.15;
const URGENT_UNTIL: f64 = 0.125;

/// How fast we beat, the fastest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// Little is lost.
    #[default]
    Steady,
    /// Some is.
    Lossy,
    /// Much is.
    Urgent,
}

impl Pace {
    /// The pace for this loss, 0 to 1; a slower one than the last only where loss is clearly below its step.
    pub(super) fn next(self, loss: f64) -> Self {
        let reaches =
            |pace: Self, from: f64, until: f64| loss >= if self >= pace { until } else { from };
        if reaches(Self::Urgent, URGENT_FROM, URGENT_UNTIL) {
            Self::Urgent
        } else if reaches(Self::Lossy, LOSSY_FROM, LOSSY_UNTIL) {
            Self::Lossy
        } else {
            Self::Steady
        }
    }

    /// Longest time between two datagrams at this pace.
    pub(super) fn interval(self) -> Duration {
        match self {
            Self::Steady => BEAT_ACTIVE,
            Self::Lossy => BEAT_LOSSY,
            Self::Urgent => BEAT_URGENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_loss_and_does_not_flap_at_a_step() {
        let mut pace = Pace::default();
        let mut follow = |loss| {
            pace = pace.next(loss);
            pace
        };
        assert_eq!([0.0, 0.015, 0.016, 0.013].map(&mut follow), {
            use Pace::{Lossy, Steady};
            [Steady, Steady, Lossy, Lossy]
        });
        assert_eq!([0.149, 0.15, 0.13, 0.124].map(&mut follow), {
            use Pace::{Lossy, Urgent};
            [Lossy, Urgent, Urgent, Lossy]
        });
        assert_eq!([0.5, 0.011, 0.013].map(&mut follow), {
            use Pace::{Steady, Urgent};
            [Urgent, Steady, Steady]
        });
    }
}
