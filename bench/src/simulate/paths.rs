//! How long a packet takes between two nodes, and whether it arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_geo::places::Place;
use stoa_geo::rtt;

/// A way takes up to this much longer than it should.
const JITTER: Duration = Duration::from_millis(2);

/// A datagram that is carried twice comes again so much later.
const AGAIN_AFTER: Duration = Duration::from_millis(15);

/// The paths between all nodes.
#[derive(Debug)]
pub(super) struct Paths {
    places: Vec<&'static Place>,
    rng: StdRng,
    /// Share of datagrams that each path loses.
    pub(super) loss: f64,
    /// Ways that are cut, from one node to another.
    cut: BTreeSet<(usize, usize)>,
    /// Share of datagrams that come twice.
    pub(super) twice: f64,
    /// Each datagram takes longer by up to this.
    pub(super) disorder: Duration,
    /// Extra delay of whatever such a node sends or gets.
    pub(super) slow: BTreeMap<usize, Duration>,
}

impl Paths {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            places: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            loss: 0.0,
            cut: BTreeSet::new(),
            twice: 0.0,
            disorder: Duration::ZERO,
            slow: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, place: &'static Place) {
        self.places.push(place);
    }

    /// One way, without jitter.
    pub(super) fn delay(&self, from: usize, to: usize) -> Duration {
        let place = |node: usize| self.places.get(node).map(|place| place.coordinates);
        let (Some(a), Some(b)) = (place(from), place(to)) else { return Duration::ZERO };
        let slow: Duration = [from, to].iter().filter_map(|node| self.slow.get(node)).sum();
        Duration::from_secs_f64(rtt::between_ms(a, b) / 2_000.0) + slow
    }

    /// How long this datagram takes, each time that it arrives; never when it is lost.
    pub(super) fn datagram(&mut self, from: usize, to: usize) -> Vec<Duration> {
        let lost = self.loss > 0.0 && self.rng.random_bool(self.loss);
        if lost || self.is_cut(from, to) {
            return Vec::new();
        }
        let times = 1 + u32::from(self.twice > 0.0 && self.rng.random_bool(self.twice));
        (0..times).map(|time| self.delay(from, to) + self.jitter() + AGAIN_AFTER * time).collect()
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
        (JITTER + self.disorder).mul_f64(self.rng.random_range(0.0..1.0))
    }
}
