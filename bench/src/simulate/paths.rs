//! How long a packet takes between two nodes, and whether it arrives.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_geo::places::Place;
use stoa_geo::rtt;

/// A way takes up to this much longer than it should.
const JITTER: Duration = Duration::from_millis(2);

/// The paths between all nodes.
#[derive(Debug)]
pub(super) struct Paths {
    places: Vec<&'static Place>,
    rng: StdRng,
    /// Share of datagrams that each path loses.
    pub(super) loss: f64,
    /// Ways that are cut, from one node to another.
    cut: BTreeSet<(usize, usize)>,
    /// Extra delay of whatever such a node sends or gets.
    pub(super) slow: BTreeSet<usize>,
}

/// How much later a slow node is.
const SLOWNESS: Duration = Duration::from_millis(40);

impl Paths {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            places: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            loss: 0.0,
            cut: BTreeSet::new(),
            slow: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, place: &'static Place) {
        self.places.push(place);
    }

    /// One way, without jitter.
    pub(super) fn delay(&self, from: usize, to: usize) -> Duration {
        let place = |node: usize| self.places.get(node).map(|place| place.coordinates);
        let (Some(a), Some(b)) = (place(from), place(to)) else { return Duration::ZERO };
        let slow = [from, to].iter().filter(|node| self.slow.contains(node)).count();
        let slow = SLOWNESS * u32::try_from(slow).unwrap_or(0);
        Duration::from_secs_f64(rtt::between_ms(a, b) / 2_000.0) + slow
    }

    /// How long this datagram takes; `None` when it is lost.
    pub(super) fn datagram(&mut self, from: usize, to: usize) -> Option<Duration> {
        let lost = self.loss > 0.0 && self.rng.random_bool(self.loss);
        (!lost && !self.is_cut(from, to)).then(|| self.delay(from, to) + self.jitter())
    }

    /// How long a message of a reliable stream takes: what is lost is sent again.
    pub(super) fn message(&mut self, from: usize, to: usize) -> Option<Duration> {
        if self.is_cut(from, to) {
            return None;
        }
        let mut delay = self.delay(from, to) + self.jitter();
        while self.loss > 0.0 && self.rng.random_bool(self.loss) {
            delay += self.delay(from, to) * 2;
        }
        Some(delay)
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.contains(&(from, to))
    }

    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    pub(super) fn mend(&mut self, from: usize, to: usize) {
        self.cut.remove(&(from, to));
    }

    fn jitter(&mut self) -> Duration {
        JITTER.mul_f64(self.rng.random_range(0.0..1.0))
    }
}
