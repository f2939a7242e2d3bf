//! When a room moves to a better origin: where its speakers are nearer on average (a 1-median), by so much and for so long
//! that it pays to disturb a room for it. Nothing moves to and fro: who has just got a room keeps it for a while.

use std::time::{Duration, Instant};

use stoa_protocol::ids::{NodeId, RoomId};

use super::placement::weight;

/// Speakers must be nearer by this on average, in ms, one way.
const GAIN_MS: f32 = 10.0;

/// Or by this share of what they are now, but no less than [`GAIN_LEAST_MS`].
const GAIN_SHARE: f32 = 0.2;

/// What nobody would hear is not worth a move.
const GAIN_LEAST_MS: f32 = 4.0;

/// Origins that differ by less are as good as each other, in ms: the room's name decides.
const TIE_MS: f32 = 1.0;

/// How long it must have paid, at every look.
const PAYS_FOR: Duration = Duration::from_secs(30);

/// A room moves at most this often.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How well a room is placed.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    /// Since when another origin would be better.
    pays_since: Option<Instant>,
    quiet_until: Option<Instant>,
}

impl Moves {
    /// The room has come to this origin, or is about to leave it: that is enough for now.
    pub fn settle(&mut self, now: Instant) {
        self.pays_since = None;
        self.quiet_until = Some(now + INTERVAL);
    }

    /// Nobody is on the stage.
    pub fn rest(&mut self) {
        self.pays_since = None;
    }

    /// Looks at the mean delays to the speakers in ms, from here and from others. Names the origin to which the room
    /// should move; it is named at every look until [`Self::settle`].
    pub fn consider<'a>(
        &mut self,
        room: &RoomId,
        here_ms: f32,
        others: &[(&'a NodeId, f32)],
        now: Instant,
    ) -> Option<&'a NodeId> {
        let Some((best, there_ms)) = best_of(room, others) else {
            self.rest();
            return None;
        };
        let gain_ms = here_ms - there_ms;
        let enough_ms = GAIN_MS.min((here_ms * GAIN_SHARE).max(GAIN_LEAST_MS));
        if gain_ms.is_nan() || gain_ms < enough_ms {
            self.rest();
            return None;
        }
        let since = *self.pays_since.get_or_insert(now);
        let quiet = self.quiet_until.is_some_and(|until| now < until);
        (!quiet && now.saturating_duration_since(since) >= PAYS_FOR).then_some(best)
    }
}

fn best_of<'a>(room: &RoomId, others: &[(&'a NodeId, f32)]) -> Option<(&'a NodeId, f32)> {
    let least_ms = others.iter().map(|(_, ms)| *ms).min_by(f32::total_cmp)?;
    let as_good = others.iter().filter(|(_, ms)| *ms <= least_ms + TIE_MS);
    as_good.max_by_key(|(node, _)| (weight(room, node), *node)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEVER: [usize; 0] = [];
    const LOOK: Duration = Duration::from_secs(5);

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn room() -> RoomId {
        RoomId::new("agora").unwrap()
    }

    /// One room, two origins, and what it costs at each at every look; gives at which looks it has moved.
    fn moves(costs: &[[f32; 2]]) -> Vec<usize> {
        let (names, start) = ([node("a"), node("b")], Instant::now());
        let (mut at, mut moves, mut moved) = (0, Moves::default(), Vec::new());
        for (look, costs) in costs.iter().enumerate() {
            let now = start + LOOK * u32::try_from(look).unwrap();
            let other = 1 - at;
            if moves.consider(&room(), costs[at], &[(&names[other], costs[other])], now).is_some() {
                at = other;
                moves = Moves::default();
                moves.settle(now);
                moved.push(look);
            }
        }
        moved
    }

    #[test]
    fn a_room_moves_once_it_has_paid_for_half_a_minute() {
        assert_eq!(moves(&[[60.0, 20.0]; 100]), [6]);
        assert_eq!(moves(&[[60.0, 52.0]; 100]), NEVER, "8 ms, and less than a fifth");
        assert_eq!(moves(&[[20.0, 15.0]; 100]), [6], "a fifth");
        assert_eq!(moves(&[[3.0, 0.0]; 100]), NEVER, "nobody would hear it");
    }

    #[test]
    fn what_does_not_last_moves_nothing() {
        let costs: Vec<_> =
            (0..100).map(|look| if look % 6 == 5 { [20.0, 60.0] } else { [60.0, 20.0] }).collect();
        assert_eq!(moves(&costs), NEVER);
    }

    #[test]
    fn a_room_that_has_moved_stays_for_five_minutes_even_if_it_was_wrong() {
        let costs: Vec<_> =
            (0..200).map(|look| if look <= 6 { [60.0, 20.0] } else { [20.0, 60.0] }).collect();
        assert_eq!(moves(&costs), [6, 66]);
    }

    #[test]
    fn of_origins_that_are_as_good_the_rooms_name_decides() {
        let (a, b, now) = (node("a"), node("b"), Instant::now());
        let mut moves = Moves::default();
        let mut chosen = Vec::new();
        for (ours, theirs) in [(20.0, 20.5), (20.5, 20.0)] {
            let others = [(&a, ours), (&b, theirs)];
            moves.consider(&room(), 90.0, &others, now);
            chosen.push(moves.consider(&room(), 90.0, &others, now + PAYS_FOR).unwrap());
        }
        assert_eq!(chosen[0], chosen[1]);
    }

    #[test]
    fn without_a_figure_nothing_moves() {
        assert_eq!(moves(&[[f32::NAN, 20.0]; 20]), NEVER);
        assert_eq!(moves(&[[60.0, f32::NAN]; 20]), NEVER);
    }

    proptest! {
        #[test]
        fn noise_moves_nothing(
            base in 30.0_f32..200.0,
            noise in proptest::collection::vec((-2.9_f32..2.9, -2.9_f32..2.9), 300),
        ) {
            let costs: Vec<_> = noise.iter().map(|(a, b)| [base + a, base + b]).collect();
            prop_assert_eq!(moves(&costs), Vec::<usize>::new());
        }

        #[test]
        fn whatever_happens_a_room_moves_at_most_every_five_minutes(
            costs in proptest::collection::vec([0.0_f32..300.0, 0.0_f32..300.0], 0..2_000),
        ) {
            let least = usize::try_from(INTERVAL.as_secs() / LOOK.as_secs()).unwrap();
            let moved = moves(&costs);
            prop_assert!(moved.windows(2).all(|pair| pair[1] - pair[0] >= least), "{:?}", moved);
        }
    }
}
