//! Whom a node measures next: whom it exchanges frames with, whom the planner asks about, who is near, and
//! some of the rest in turn, so that a bounded number of probes keeps the book good for every pair.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::book::Book;
use crate::rtt;

/// Most nodes that one node measures to in a round.
pub const PROBES_MAX: usize = 16;

/// Of those, for current neighbours in the trees: parents, backups, children.
const NEIGHBOURS_MAX: usize = 6;

/// For nodes that the planner asks about.
const ASKED_MAX: usize = 4;

/// Of what is then left, one half goes to the nearest nodes by the book, taken in turn from this many.
const NEAR_POOL: usize = 16;

/// What is known beyond the book.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a, N> {
    /// Whom the node exchanges frames with, most important first.
    pub neighbours: &'a [N],
    /// Whom the planner asks about.
    pub asked: &'a [N],
}

/// Whom `node` should measure to in a round, ascending, each once, at most [`PROBES_MAX`]. Rounds are counted up by
/// one; far nodes are those without a measurement first, in an order that looks random and differs from node to
/// node. A node that the book does not know gets no probes but of those it names.
#[must_use]
pub fn choose<N: Ord + Clone>(
    book: &Book<N>,
    node: &N,
    wanted: &Wanted<'_, N>,
    round: u64,
    now: Instant,
) -> Vec<N> {
    let mut chosen: BTreeSet<N> = BTreeSet::new();
    let named = [(wanted.neighbours, NEIGHBOURS_MAX), (wanted.asked, ASKED_MAX)];
    for (names, most) in named {
        let fresh = names.iter().filter(|name| *name != node && !chosen.contains(*name));
        let taken: Vec<N> = turned(fresh.cloned().collect(), round, most);
        chosen.extend(taken);
    }
    let Some(from) = book.coordinates(node) else { return chosen.into_iter().collect() };
    let own = book.places().position(|(name, _)| name == node).unwrap_or(0) as u64;
    let mut others: Vec<(f64, u64, &N)> = book
        .places()
        .enumerate()
        .filter(|(_, (name, _))| *name != node && !chosen.contains(*name))
        .map(|(at, (name, place))| (rtt::between_ms(from, place), at as u64, name))
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let left = PROBES_MAX - chosen.len();
    let far = others.split_off(others.len().min(NEAR_POOL));
    let near: Vec<N> = others.into_iter().map(|(_, _, name)| name.clone()).collect();
    let near_most = left.div_ceil(2).max(left.saturating_sub(far.len()));
    chosen.extend(turned(near, round, near_most));
    let mut far: Vec<(bool, u64, &N)> = far
        .into_iter()
        .map(|(_, at, name)| {
            let is_known = book.measured(node, name, now).is_some();
            (is_known, scattered(round ^ scattered(own << 32 | at)), name)
        })
        .collect();
    far.sort();
    let left = PROBES_MAX - chosen.len();
    chosen.extend(far.into_iter().take(left).map(|(_, _, name)| name.clone()));
    chosen.into_iter().collect()
}

/// At most so many of some names, others in the next round.
fn turned<N>(mut names: Vec<N>, round: u64, most: usize) -> Vec<N> {
    if names.len() > most {
        let pages = names.len().div_ceil(most) as u64;
        let first = usize::try_from(round % pages).unwrap_or(0) * most;
        let first = first.min(names.len() - 1);
        names.rotate_left(first);
        names.truncate(most);
    }
    names
}

/// Mixes the bits of a number (SplitMix64; Steele and others, 2014).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::book::Measurement;
    use crate::places::PLACES;

    const NOBODY: Wanted<'static, u16> = Wanted { neighbours: &[], asked: &[] };

    #[test]
    fn neighbours_and_asked_nodes_come_first_and_half_of_the_rest_is_near() {
        let book = everywhere(44);
        let wanted = Wanted { neighbours: &[40, 41, 42], asked: &[43] };

        let chosen = choose(&book, &1, &wanted, 0, Instant::now());

        assert_eq!(chosen.len(), PROBES_MAX);
        assert!([40, 41, 42, 43].iter().all(|name| chosen.contains(name)));
        let place = book.coordinates(&1).unwrap();
        let distance = |name: &u16| place.distance_km(book.coordinates(name).unwrap());
        assert!(chosen.iter().filter(|name| distance(name) < 3_000.0).count() >= 6, "{chosen:?}");
        assert!(chosen.iter().filter(|name| distance(name) > 3_000.0).count() >= 6, "{chosen:?}");
    }

    #[test]
    fn after_some_rounds_everybody_has_been_measured() {
        let mut book = everywhere(44);
        let now = Instant::now();
        for round in 0..6 {
            for name in choose(&book, &7, &NOBODY, round, now) {
                let measured = Measurement { rtt_ms: 10.0, loss: 0.0 };
                assert!(book.note(&7, &name, measured, now));
            }
        }
        assert_eq!(book.pairs_len(), 43);
    }

    #[test]
    fn two_nodes_do_not_choose_the_same_far_ones() {
        let book = everywhere(400);
        let now = Instant::now();
        let (one, other) =
            (choose(&book, &5, &NOBODY, 1, now), choose(&book, &49, &NOBODY, 1, now));
        let far = |name: &&u16| one.contains(name);
        assert!(other.iter().filter(far).count() < 10, "{one:?} {other:?}");
    }

    proptest! {
        #[test]
        fn nobody_probes_too_many_or_itself_or_anybody_twice(
            count in 1..60_u16,
            neighbours in prop::collection::vec(0..60_u16, 0..30),
            asked in prop::collection::vec(0..60_u16, 0..30),
            round in any::<u64>(),
        ) {
            let wanted = Wanted { neighbours: &neighbours, asked: &asked };
            let chosen = choose(&everywhere(count), &0, &wanted, round, Instant::now());
            prop_assert!(chosen.len() <= PROBES_MAX && !chosen.contains(&0));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(chosen.len() >= usize::from(count - 1).min(PROBES_MAX));
        }
    }

    fn everywhere(count: u16) -> Book<u16> {
        let mut book = Book::default();
        for name in 0..count {
            book.place(name, PLACES[usize::from(name) % PLACES.len()].coordinates);
        }
        book
    }
}
