//! How many previous frames ride along with each, by loss, by round trip, and by whether the peer
//! asks for what it misses.

use std::time::{Duration, Instant};

use super::gaps::{ASKS_MAX, repair_within};
use super::outgoing::REDUNDANCY_MAX;
use super::pace::Pace;

/// Loss must have stayed clearly below a step for so long before one frame fewer rides along.
const CALM: Duration = Duration::from_secs(10);
/// How much lower loss must be than what a step is for, so that it does not flap.
const CLEARLY: f64 = 1.2;
/// A hop may lose the square of its loss over this.
const SHARE_OF_SQUARE: f64 = 40.0;
/// Below this loss the target gets no harder.
const LOSS_EASY: f64 = 0.01;
/// Loss below this is not acted on.
const LOSS_NOTED: f64 = 0.001;
/// How long a question waits for what may only be late, on top of the round trip.
const PATIENCE: Duration = Duration::from_millis(5);
/// What is left of the time for the delays of other hops.
const SPARE: Duration = Duration::from_millis(20);

/// The way to the peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Share of datagrams that is lost, 0 to 1.
    pub(super) loss: f64,
    /// Its round trip, if known.
    pub(super) rtt: Option<Duration>,
    /// Whether the peer asks for what it misses.
    pub(super) asks: bool,
}

impl Way {
    /// How many frames have to ride along.
    ///
    /// With independent loss `p` a frame that is sent `r + 1` times is missing with odds `p^(r + 1)`. Each
    /// round of asking fails with odds `q = 1 - (1 - p)^2`, because the question and the repair both have
    /// to arrive, so `k` rounds leave `p^(r + 1) * q^k`. What may be left grows with the loss: a hop of three
    /// may lose `p^2 / 40`, which over the hops is 0.00075 % of frames at 1 % loss, 0.019 % at 5 %, 0.075 %
    /// at 10 % and 0.3 % at 20 %; below 1 % it is as at 1 %. The least `r` that keeps to that is chosen:
    ///
    /// | loss | `k = 0` | 1, with no time to spare | 1 | 2 | 3 | 4 |
    /// |---|---|---|---|---|---|---|
    /// | 0.1 % | 1 | 1 | 0 | 0 | 0 | 0 |
    /// | 1 % | 2 | 2 | 1 | 1 | 0 | 0 |
    /// | 5 % | 3 | 2 | 2 | 1 | 0 | 0 |
    /// | 10 % | 3 | 3 | 2 | 2 | 1 | 0 |
    /// | 20 % | 3 | 3 | 3 | 3 | 2 | 1 |
    ///
    /// How many rounds fit follows from the round trip and from what a repair may add (`gaps`). On a long
    /// path the one round that fits leaves nothing to spare for delays at other hops, so it only
    /// counts if nothing was lost there either: `q = 1 - (1 - p)^4`.
    fn needed(&self) -> u8 {
        if self.loss < LOSS_NOTED {
            return 0;
        }
        let (rounds, failing) = self.rounds();
        let target = self.loss.max(LOSS_EASY).powi(2) / SHARE_OF_SQUARE;
        let left = |riders: u8| self.loss.powi(i32::from(riders) + 1) * failing.powi(rounds);
        (0..REDUNDANCY_MAX).find(|riders| left(*riders) <= target).unwrap_or(REDUNDANCY_MAX)
    }

    /// How many rounds of asking fit, and with what odds each fails.
    fn rounds(&self) -> (i32, f64) {
        let Some(rtt) = self.rtt.filter(|_| self.asks) else {
            return (0, 1.0);
        };
        let (round, within) = (rtt + PATIENCE, repair_within(rtt));
        let arrives = 1.0 - self.loss.min(1.0);
        let fit =
            (1..=i32::from(ASKS_MAX)).take_while(|k| round * k.unsigned_abs() + SPARE <= within);
        match fit.last() {
            Some(rounds) => (rounds, 1.0 - arrives.powi(2)),
            None if round <= within => (1, 1.0 - arrives.powi(4)),
            None => (0, 1.0),
        }
    }
}

/// Up at once, down slowly: a burst of loss is rarely alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Redundancy {
    frames: u8,
    needed: Option<Instant>,
    pace: Pace,
}

impl Redundancy {
    /// How fast beats have to come.
    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// Frames that ride along, 0 to [`REDUNDANCY_MAX`], now that the way is like this.
    pub(super) fn handle_way(&mut self, way: &Way, now: Instant) -> u8 {
        self.pace = self.pace.next(way.loss);
        let wanted = way.needed();
        let kept = Way { loss: way.loss * CLEARLY, ..*way }.needed();
        let needed = *self.needed.get_or_insert(now);
        if wanted > self.frames {
            self.frames = wanted;
            self.needed = Some(now);
        } else if kept >= self.frames {
            self.needed = Some(now);
        } else if now.saturating_duration_since(needed) >= CALM {
            self.frames -= 1;
            self.needed = Some(now);
        }
        self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_above_is_what_the_formula_gives() {
        let row = |loss| {
            let needed = |rtt_ms: Option<u64>| {
                let rtt = rtt_ms.map(Duration::from_millis);
                Way { loss, rtt, asks: true }.needed()
            };
            [None, Some(200), Some(40), Some(25), Some(15), Some(10)].map(needed)
        };
        assert_eq!(row(0.0), [0, 0, 0, 0, 0, 0]);
        assert_eq!(row(0.001), [1, 1, 0, 0, 0, 0]);
        assert_eq!(row(0.01), [2, 2, 1, 1, 0, 0]);
        assert_eq!(row(0.05), [3, 2, 2, 1, 0, 0]);
        assert_eq!(row(0.1), [3, 3, 2, 2, 1, 0]);
        assert_eq!(row(0.2), [3, 3, 3, 3, 2, 1]);
    }

    #[test]
    fn a_peer_that_does_not_ask_needs_more_frames_that_ride_along() {
        let way = Way { loss: 0.01, rtt: Some(Duration::from_millis(10)), asks: false };
        assert_eq!(way.needed(), 2);
        assert_eq!(Way { asks: true, ..way }.needed(), 0);
    }

    #[test]
    fn redundancy_rises_at_once_and_falls_one_step_after_a_calm() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        assert_eq!(redundancy.handle_way(&at(0.0), start), 0);
        assert_eq!(redundancy.handle_way(&at(0.2), start), 3);
        let calm = start + CALM;
        assert_eq!(redundancy.handle_way(&at(0.0), calm - Duration::from_millis(1)), 3);
        assert_eq!(redundancy.handle_way(&at(0.0), calm), 2);
        assert_eq!(redundancy.handle_way(&at(0.0), calm), 2);
        assert_eq!(redundancy.handle_way(&at(0.0), calm + CALM), 1);
    }

    #[test]
    fn loss_around_a_step_does_not_make_it_flap() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        // Three frames ride along from 13 % on at this round trip.
        let step = (1..500).map(|permille| f64::from(permille) / 1_000.0);
        let step = step.into_iter().find(|loss| at(*loss).needed() == 3).unwrap();
        redundancy.handle_way(&at(step), start);
        for second in 0..100_u32 {
            let now = start + Duration::from_secs(1) * second;
            let loss = if second % 2 == 0 { step } else { step * 0.9 };
            assert_eq!(redundancy.handle_way(&at(loss), now), 3);
        }
    }

    fn at(loss: f64) -> Way {
        Way { loss, rtt: Some(Duration::from_millis(40)), asks: true }
    }
}
