//! The RTT book: what nodes have measured between each other, and an estimate for every pair that nobody has
//! measured, made from the model and from what was measured near either end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::coordinates::Coordinates;
use crate::rtt;

/// Most nodes of a book.
pub const NODES_MAX: usize = 1_024;

/// Most pairs with a measurement.
pub const PAIRS_MAX: usize = 65_536;

/// A measurement is believed for so long.
pub const BELIEVED_FOR: Duration = Duration::from_secs(30 * 60);

/// Longer round trips are taken for as long, in ms.
const RTT_MS_MAX: f32 = 20_000.0;

/// How near a measured path must lie to one without measurement to say something about it, in ms: the weight of
/// what it says falls with the square of the distance beyond.
const NEAR_MS: f64 = 20.0;

/// How far an estimate follows the measurements near it; the rest is the model.
const FOLLOWED_SHARE: f64 = 0.9;

/// A report is worth sending when the time has changed by this share, and by [`CHANGE_MS`].
const CHANGE_SHARE: f32 = 0.1;

/// See [`CHANGE_SHARE`], in ms.
const CHANGE_MS: f32 = 2.0;

/// A report is worth sending when loss has changed by this share of all packets.
const CHANGE_LOSS: f32 = 0.01;

/// What one node has measured to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Round-trip time in ms.
    pub rtt_ms: f32,
    /// Share of packets lost, 0 to 1.
    pub loss: f32,
}

impl Measurement {
    /// Whether others should hear of it, who know `known` so far.
    #[must_use]
    pub fn is_news(self, known: Self) -> bool {
        let change_ms = (self.rtt_ms - known.rtt_ms).abs();
        change_ms > CHANGE_MS.max(known.rtt_ms * CHANGE_SHARE)
            || (self.loss - known.loss).abs() > CHANGE_LOSS
    }

    /// Without values that no path has.
    fn sane(self) -> Option<Self> {
        let makes_sense = self.rtt_ms.is_finite() && self.rtt_ms >= 0.0 && self.loss.is_finite();
        makes_sense
            .then(|| Self { rtt_ms: self.rtt_ms.min(RTT_MS_MAX), loss: self.loss.clamp(0.0, 1.0) })
    }
}

/// What the book says about a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Round-trip time in ms.
    pub rtt_ms: f32,
    /// Share of packets lost, where it was measured.
    pub loss: Option<f32>,
    /// How old the newest measurement is; nothing for an estimate of the model.
    pub age: Option<Duration>,
}

/// Both directions of a pair.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// By the lesser node.
    there: Option<(Measurement, Instant)>,
    /// By the greater node.
    back: Option<(Measurement, Instant)>,
}

impl Pair {
    /// The mean of what is believed, and when the newer of it was measured.
    fn believed(&self, now: Instant) -> Option<(Measurement, Instant)> {
        let fresh = |reading: &(Measurement, Instant)| {
            now.saturating_duration_since(reading.1) < BELIEVED_FOR
        };
        match (self.there.filter(fresh), self.back.filter(fresh)) {
            (Some((a, at)), Some((b, then))) => {
                let rtt_ms = f32::midpoint(a.rtt_ms, b.rtt_ms);
                Some((Measurement { rtt_ms, loss: f32::midpoint(a.loss, b.loss) }, at.max(then)))
            }
            (one, other) => one.or(other),
        }
    }
}

/// A node with whom it has been measured with.
#[derive(Clone, Debug)]
struct Entry<N> {
    coordinates: Coordinates,
    pairs: BTreeMap<N, Pair>,
}

/// The book. Nodes are whatever names them.
#[derive(Clone, Debug)]
pub struct Book<N> {
    nodes: BTreeMap<N, Entry<N>>,
    /// Pairs that are kept, each at both of its ends.
    pairs: usize,
    refused: u64,
}

impl<N> Default for Book<N> {
    fn default() -> Self {
        Self { nodes: BTreeMap::new(), pairs: 0, refused: 0 }
    }
}

impl<N: Ord + Clone> Book<N> {
    /// A node is there, or has moved. False, and counted, when the book is full.
    pub fn place(&mut self, node: N, coordinates: Coordinates) -> bool {
        if let Some(entry) = self.nodes.get_mut(&node) {
            entry.coordinates = coordinates;
            return true;
        }
        if self.nodes.len() >= NODES_MAX {
            self.refused += 1;
            return false;
        }
        self.nodes.insert(node, Entry { coordinates, pairs: BTreeMap::new() });
        true
    }

    /// A node is gone, and what was measured with it.
    pub fn forget(&mut self, node: &N) {
        let Some(entry) = self.nodes.remove(node) else { return };
        self.pairs -= entry.pairs.len();
        for other in entry.pairs.keys() {
            if let Some(entry) = self.nodes.get_mut(other) {
                entry.pairs.remove(node);
            }
        }
    }

    /// `from` has measured to `to`. False, and counted, for unknown nodes, for values that make no sense, and
    /// when the book is full.
    pub fn note(&mut self, from: &N, to: &N, measured: Measurement, now: Instant) -> bool {
        let known = from != to && self.nodes.contains_key(from) && self.nodes.contains_key(to);
        let is_new = !self.nodes.get(from).is_some_and(|entry| entry.pairs.contains_key(to));
        let sane = measured.sane().filter(|_| known && !(is_new && self.pairs >= PAIRS_MAX));
        let Some(sane) = sane else {
            self.refused += 1;
            return false;
        };
        self.pairs += usize::from(is_new);
        for (end, other) in [(from, to), (to, from)] {
            let Some(entry) = self.nodes.get_mut(end) else { continue };
            let pair = entry.pairs.entry(other.clone()).or_default();
            let reading = if from < to { &mut pair.there } else { &mut pair.back };
            *reading = Some((sane, now));
        }
        true
    }

    /// Drops what is not believed any more, so that it makes room.
    pub fn handle_timeout(&mut self, now: Instant) {
        for entry in self.nodes.values_mut() {
            entry.pairs.retain(|_, pair| pair.believed(now).is_some());
        }
        self.pairs = self.nodes.values().map(|entry| entry.pairs.len()).sum::<usize>() / 2;
    }

    /// How many nodes it knows.
    #[must_use]
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// How many pairs have a measurement.
    #[must_use]
    pub fn pairs_len(&self) -> usize {
        self.pairs
    }

    /// How many entries were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Every node with its place, ascending.
    pub fn places(&self) -> impl Iterator<Item = (&N, Coordinates)> {
        self.nodes.iter().map(|(node, entry)| (node, entry.coordinates))
    }

    /// Where a node is.
    #[must_use]
    pub fn coordinates(&self, node: &N) -> Option<Coordinates> {
        self.nodes.get(node).map(|entry| entry.coordinates)
    }

    /// What was measured between two nodes, in either direction, and when.
    #[must_use]
    pub fn measured(&self, a: &N, b: &N, now: Instant) -> Option<(Measurement, Instant)> {
        self.nodes.get(a)?.pairs.get(b)?.believed(now)
    }

    /// Measured or estimated; nothing for a node that the book does not know.
    ///
    /// A pair without a measurement is given what the model says, times what measured paths nearby took in relation to
    /// the model: paths from `a` to nodes near `b`, and from `b` to nodes near `a`. It is no longer than the
    /// way over a node that both have measured. Of 241 cities of which each has measured once to the 16 that
    /// [`crate::probes::choose`] names, half of all other pairs come out within 9.3 % this way (within 18 % by the
    /// model alone), nine tenths within 29 % (48 %).
    #[must_use]
    pub fn estimate(&self, a: &N, b: &N, now: Instant) -> Option<Estimate> {
        let (from, to) = (self.nodes.get(a)?, self.nodes.get(b)?);
        if a == b {
            return Some(Estimate { rtt_ms: 0.0, loss: None, age: None });
        }
        if let Some((measured, at)) = self.measured(a, b, now) {
            let age = Some(now.saturating_duration_since(at));
            return Some(Estimate { rtt_ms: measured.rtt_ms, loss: Some(measured.loss), age });
        }
        let modelled = rtt::between_ms(from.coordinates, to.coordinates);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (end, other) in [(from, to), (to, from)] {
            for (node, pair) in &end.pairs {
                let Some(((reading, _), place)) = pair.believed(now).zip(self.coordinates(node))
                else {
                    continue;
                };
                let away_ms = rtt::between_ms(place, other.coordinates) + NEAR_MS;
                let weight = 1.0 / (away_ms * away_ms);
                let expected = rtt::between_ms(end.coordinates, place);
                sum += weight * (f64::from(reading.rtt_ms).max(0.1) / expected).ln();
                weights += weight;
            }
        }
        let correction = if weights > 0.0 { (sum / weights * FOLLOWED_SHARE).exp() } else { 1.0 };
        let detour = self.detour_ms(from, to, now);
        let estimated = (modelled * correction).min(detour.unwrap_or(f64::INFINITY));
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what a path may take")]
        let rtt_ms = estimated.clamp(0.0, f64::from(RTT_MS_MAX)) as f32;
        Some(Estimate { rtt_ms, loss: None, age: None })
    }

    /// The shortest way over a third node that both ends have measured, in ms.
    fn detour_ms(&self, from: &Entry<N>, to: &Entry<N>, now: Instant) -> Option<f64> {
        let ways = from.pairs.iter().filter_map(|(node, pair)| {
            let there = pair.believed(now)?.0.rtt_ms;
            let on = to.pairs.get(node)?.believed(now)?.0.rtt_ms;
            Some(f64::from(there) + f64::from(on))
        });
        ways.min_by(f64::total_cmp)
    }
}
