//! Which edges there are, what they offer, and how far nodes are from each other.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_geo::book::{Book, Measurement};
use stoa_geo::coordinates::Coordinates;
use stoa_geo::places;
use stoa_geo::probes::{self, Wanted};
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, Region};
use stoa_protocol::mesh::control::{
    NEIGHBOURS_MAX, Neighbour, PUBLIC_URL_CHARACTERS_MAX, Paths, Relay,
};

use super::delays::{Delays, Row};

/// What two nodes are taken to be apart of which nobody says where they are, in ms.
const UNKNOWN_RTT_MS: f32 = 100.0;

/// What a hop costs besides the path, in ms: a datagram waits for company, and for its turn.
const HOP_MS: f32 = 1.5;

/// An edge that is linked.
#[derive(Debug)]
pub(in crate::service) struct Spot {
    pub(in crate::service) link: LinkId,
    pub(in crate::service) address: String,
    pub(in crate::service) fan_out_max: u16,
    pub(in crate::service) region: Region,
    /// Where clients reach it; empty when nobody is to be sent there.
    pub(in crate::service) public_url: String,
    /// Whether it leaves: nobody is to hang from it, and nobody is sent there.
    pub(in crate::service) drains: bool,
}

impl Spot {
    /// How many edges it sends one room to.
    pub(in crate::service) fn slots(&self) -> u16 {
        if self.drains { 0 } else { self.fan_out_max }
    }
}

/// Everything that is known of the network.
#[derive(Debug)]
pub(in crate::service) struct Map {
    /// Children that an origin sends one room to.
    origin_fan_out: u16,
    spots: BTreeMap<NodeId, Spot>,
    /// Round-trip times, measured and estimated.
    book: Book<NodeId>,
    /// The same as delays, at hand.
    delays: Delays,
}

impl Map {
    /// An empty map of a network whose origins send one room to so many children.
    pub(in crate::service) fn new(origin_fan_out: u16) -> Self {
        let (spots, book, delays) = Default::default();
        Self { origin_fan_out, spots, book, delays }
    }

    /// Children that an origin sends one room to.
    pub(in crate::service) fn origin_fan_out(&self) -> u16 {
        self.origin_fan_out
    }

    /// Whether any edge can be reached by others, or by their clients.
    pub(in crate::service) fn has_relays(&self) -> bool {
        self.spots.values().any(|spot| !spot.address.is_empty() || !spot.public_url.is_empty())
    }

    /// An edge is linked and says what it offers.
    pub(in crate::service) fn handle_relay(
        &mut self,
        node: NodeId,
        link: LinkId,
        region: &Region,
        relay: Relay,
        now: Instant,
    ) {
        let told = relay.latitude.zip(relay.longitude);
        let told = told.and_then(|(lat, lon)| Coordinates::new(lat, lon).ok());
        let fan_out_max = if relay.address.is_empty() { 0 } else { relay.fan_out_max };
        let spot = Spot {
            link,
            address: relay.address,
            fan_out_max: u16::try_from(fan_out_max).unwrap_or(u16::MAX),
            region: region.clone(),
            public_url: Some(relay.public_url).filter(|url| is_short(url)).unwrap_or_default(),
            drains: self.spots.get(&node).is_some_and(|spot| spot.link == link && spot.drains),
        };
        if let Some(place) = told.or_else(|| place_of(region)) {
            self.book.place(node.clone(), place);
        }
        self.measure(&node, now);
        self.spots.insert(node, spot);
    }

    /// An origin is there.
    pub(in crate::service) fn handle_origin(
        &mut self,
        node: &NodeId,
        region: &Region,
        now: Instant,
    ) {
        if let Some(place) = place_of(region) {
            self.book.place(node.clone(), place);
        }
        self.measure(node, now);
    }

    /// An edge's link is down.
    pub(in crate::service) fn forget(&mut self, node: &NodeId, link: LinkId) {
        if self.spots.get(node).is_some_and(|spot| spot.link == link) {
            self.spots.remove(node);
            self.book.forget(node);
            self.delays.forget(node);
        }
    }

    /// What an edge has measured.
    pub(in crate::service) fn handle_paths(&mut self, from: &NodeId, paths: Paths, now: Instant) {
        for path in paths.paths.into_iter().take(NEIGHBOURS_MAX) {
            let Ok(to) = NodeId::new(path.node) else { continue };
            if path.rtt_us == 0 {
                // The link is down; how far they are from each other stays true.
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "far below 2^24 microseconds")]
            let rtt_ms = path.rtt_us as f32 / 1_000.0;
            #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
            let loss = path.lost_permille.min(1_000) as f32 / 1_000.0;
            if self.book.note(from, &to, Measurement { rtt_ms, loss }, now) {
                let delay_ms = self.delay_ms(from, &to, now);
                self.delays.set(from, &to, delay_ms);
            }
        }
    }

    pub(in crate::service) fn spot(&self, node: &NodeId) -> Option<&Spot> {
        self.spots.get(node)
    }

    pub(in crate::service) fn edges(&self) -> impl Iterator<Item = (&NodeId, &Spot)> {
        self.spots.iter()
    }

    /// Where a node is, as it says or as its region is known.
    pub(in crate::service) fn place(&self, node: &NodeId) -> Option<Coordinates> {
        self.book.coordinates(node)
    }

    /// How an edge is reached by others.
    pub(in crate::service) fn neighbour(&self, node: &NodeId) -> Neighbour {
        let address = self.spots.get(node).map(|spot| spot.address.clone()).unwrap_or_default();
        Neighbour { node: node.as_str().to_owned(), address }
    }

    /// Looks anew how far a node is from all others, by what was measured around both.
    pub(in crate::service) fn measure(&mut self, node: &NodeId, now: Instant) {
        let book = &self.book;
        self.delays.measure(node, |other| delay_ms(book, node, other, now));
    }

    /// Where a node stands in the tables of delays.
    pub(in crate::service) fn row(&self, node: &NodeId) -> Option<Row> {
        self.delays.find(node)
    }

    /// Delay of one hop in ms, one way, as last looked at.
    pub(in crate::service) fn between_ms(&self, from: Row, to: Row) -> f32 {
        self.delays.between(from, to).unwrap_or(UNKNOWN_RTT_MS / 2.0)
    }

    /// Half a round trip in ms, measured or estimated; nothing where nobody says where one of them is.
    pub(in crate::service) fn known_ms(
        &self,
        from: &NodeId,
        to: &NodeId,
        now: Instant,
    ) -> Option<f32> {
        Some(self.book.estimate(from, to, now)?.rtt_ms / 2.0)
    }

    fn delay_ms(&self, from: &NodeId, to: &NodeId, now: Instant) -> f32 {
        delay_ms(&self.book, from, to, now)
    }

    /// Whom an edge should keep links to in a round: some near ones, and some that nobody has measured.
    pub(in crate::service) fn neighbours_of(
        &self,
        node: &NodeId,
        parents: &[NodeId],
        round: u64,
        now: Instant,
    ) -> Vec<NodeId> {
        let wanted = Wanted { neighbours: parents, asked: &[] };
        let mut chosen = probes::choose(&self.book, node, &wanted, round, now);
        let serves = |spot: &Spot| !spot.address.is_empty() && !spot.drains;
        chosen.retain(|other| self.spots.get(other).is_some_and(serves));
        chosen
    }

    /// An edge leaves, or stays after all. Says whether that is news.
    pub(in crate::service) fn set_drains(&mut self, node: &NodeId, drains: bool) -> bool {
        let Some(spot) = self.spots.get_mut(node) else { return false };
        std::mem::replace(&mut spot.drains, drains) != drains
    }

    /// How far apart two nodes are there and back, in ms, as last looked at.
    pub(in crate::service) fn rtt_ms(&self, from: &NodeId, to: &NodeId) -> f32 {
        let rows = self.row(from).zip(self.row(to));
        rows.map_or(UNKNOWN_RTT_MS, |(from, to)| {
            (self.between_ms(from, to) - HOP_MS).max(0.0) * 2.0
        })
    }
}

fn is_short(url: &str) -> bool {
    url.chars().count() <= PUBLIC_URL_CHARACTERS_MAX
}

/// Delay of one hop in ms, one way.
fn delay_ms(book: &Book<NodeId>, from: &NodeId, to: &NodeId, now: Instant) -> f32 {
    let estimate = book.estimate(from, to, now);
    hop_ms(estimate.map_or(UNKNOWN_RTT_MS, |estimate| estimate.rtt_ms))
}

/// The same by the round trip.
pub(in crate::service) fn hop_ms(rtt_ms: f32) -> f32 {
    rtt_ms / 2.0 + HOP_MS
}

fn place_of(region: &Region) -> Option<Coordinates> {
    places::find(region.as_str()).map(|place| place.coordinates)
}

#[cfg(test)]
mod tests {
    use stoa_protocol::mesh::control::Path;

    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn map(places: &[(&str, &str)]) -> Map {
        let mut map = Map::new(16);
        for (index, (name, region)) in places.iter().enumerate() {
            let relay =
                Relay { address: format!("{name}:7443"), fan_out_max: 8, ..Relay::default() };
            let link = LinkId(index as u64);
            let region = Region::new(*region).unwrap();
            map.handle_relay(node(name), link, &region, relay, Instant::now());
        }
        map
    }

    #[test]
    fn what_was_measured_goes_before_the_model() {
        let (mut map, now) = (map(&[("a", "ams"), ("b", "fra")]), Instant::now());
        let modelled = map.delay_ms(&node("a"), &node("b"), now);
        assert!((3.0..8.0).contains(&modelled), "{modelled}");
        let told =
            |rtt_us| Paths { paths: vec![Path { node: "b".into(), rtt_us, lost_permille: 0 }] };
        map.handle_paths(&node("a"), told(60_000), now);
        assert!((map.delay_ms(&node("b"), &node("a"), now) - 31.5).abs() < 0.01);
        map.handle_paths(&node("a"), told(0), now);
        assert!((map.delay_ms(&node("b"), &node("a"), now) - 31.5).abs() < 0.01);
    }

    #[test]
    fn an_edge_keeps_links_to_edges_that_can_be_reached() {
        let mut map = map(&[("a", "ams"), ("b", "fra"), ("c", "sin"), ("d", "lhr")]);
        let now = Instant::now();
        let cdg = Region::new("cdg").unwrap();
        map.handle_relay(node("e"), LinkId(9), &cdg, Relay::default(), now);
        assert_eq!(map.neighbours_of(&node("a"), &[], 0, now), [node("b"), node("c"), node("d")]);
        map.forget(&node("c"), LinkId(2));
        assert_eq!(map.neighbours_of(&node("a"), &[], 0, now).len(), 2);
    }
}
