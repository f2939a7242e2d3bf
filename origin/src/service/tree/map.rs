//! Which edges there are, what they offer, and how far nodes are from each other: measured where somebody has, and
//! modelled from coordinates elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_geo::coordinates::Coordinates;
use stoa_geo::{places, rtt};
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, Region};
use stoa_protocol::mesh::control::{NEIGHBOURS_MAX, Neighbour, Paths, Relay};

/// What two nodes are taken to be apart while nothing is known of either, in ms.
const UNKNOWN_RTT_MS: f64 = 100.0;

/// What a hop costs besides the path, in ms: a datagram waits for company, and for its turn.
const HOP_MS: f64 = 1.5;

/// Other edges that each edge keeps links to, for measuring and as parents to come.
const NEIGHBOURS_WANTED: usize = 8;

/// An edge that is linked.
#[derive(Debug)]
pub(in crate::service) struct Spot {
    pub(in crate::service) link: LinkId,
    pub(in crate::service) address: String,
    pub(in crate::service) fan_out_max: u16,
    pub(in crate::service) region: Region,
    coordinates: Option<Coordinates>,
}

/// Everything that is known of the network.
#[derive(Debug, Default)]
pub(in crate::service) struct Map {
    spots: BTreeMap<NodeId, Spot>,
    /// Round-trip times in ms, the smaller id first.
    measured: BTreeMap<(NodeId, NodeId), f64>,
    /// Origins by the coordinates of their regions.
    origins: BTreeMap<NodeId, Option<Coordinates>>,
    /// Grows when anything changes that plans depend on.
    version: u64,
}

impl Map {
    pub(in crate::service) fn version(&self) -> u64 {
        self.version
    }

    /// An edge is linked and says what it offers.
    pub(in crate::service) fn handle_relay(
        &mut self,
        node: NodeId,
        link: LinkId,
        region: &Region,
        relay: Relay,
    ) {
        let told = relay.latitude.zip(relay.longitude);
        let told = told.and_then(|(lat, lon)| Coordinates::new(lat, lon).ok());
        let fan_out_max = if relay.address.is_empty() { 0 } else { relay.fan_out_max };
        let spot = Spot {
            link,
            address: relay.address,
            fan_out_max: u16::try_from(fan_out_max).unwrap_or(u16::MAX),
            region: region.clone(),
            coordinates: told.or_else(|| place_of(region)),
        };
        self.spots.insert(node, spot);
        self.version += 1;
    }

    /// An origin is there.
    pub(in crate::service) fn handle_origin(&mut self, node: NodeId, region: &Region) {
        self.origins.insert(node, place_of(region));
        self.version += 1;
    }

    /// An edge's link is down.
    pub(in crate::service) fn forget(&mut self, node: &NodeId, link: LinkId) {
        if self.spots.get(node).is_some_and(|spot| spot.link == link) {
            self.spots.remove(node);
            self.measured.retain(|(a, b), _| a != node && b != node);
            self.version += 1;
        }
    }

    /// What an edge has measured.
    pub(in crate::service) fn handle_paths(&mut self, from: &NodeId, paths: Paths) {
        for path in paths.paths.into_iter().take(NEIGHBOURS_MAX) {
            let Ok(to) = NodeId::new(path.node) else { continue };
            if !self.spots.contains_key(&to) && !self.origins.contains_key(&to) {
                continue;
            }
            if path.rtt_us == 0 {
                self.measured.remove(&pair(from, &to));
            } else {
                let rtt = Duration::from_micros(u64::from(path.rtt_us));
                self.measured.insert(pair(from, &to), rtt.as_secs_f64() * 1_000.0);
            }
            self.version += 1;
        }
    }

    pub(in crate::service) fn spot(&self, node: &NodeId) -> Option<&Spot> {
        self.spots.get(node)
    }

    pub(in crate::service) fn edges(&self) -> impl Iterator<Item = (&NodeId, &Spot)> {
        self.spots.iter()
    }

    pub(in crate::service) fn len(&self) -> usize {
        self.spots.len()
    }

    /// How an edge is reached by others.
    pub(in crate::service) fn neighbour(&self, node: &NodeId) -> Neighbour {
        let address = self.spots.get(node).map(|spot| spot.address.clone()).unwrap_or_default();
        Neighbour { node: node.as_str().to_owned(), address }
    }

    /// Delay of one hop in ms, one way.
    pub(in crate::service) fn delay_ms(&self, from: &NodeId, to: &NodeId) -> f32 {
        let rtt_ms = self.measured.get(&pair(from, to)).copied();
        let rtt_ms = rtt_ms.or_else(|| self.modelled_ms(from, to)).unwrap_or(UNKNOWN_RTT_MS);
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a path")]
        let delay = (rtt_ms / 2.0 + HOP_MS) as f32;
        delay
    }

    /// Whom an edge should keep links to: the nearest that can be reached.
    pub(in crate::service) fn neighbours_of(&self, node: &NodeId) -> Vec<NodeId> {
        let reachable = self.spots.iter().filter(|(other, spot)| {
            *other != node && !spot.address.is_empty() && spot.fan_out_max > 0
        });
        let mut near: Vec<(f32, &NodeId)> =
            reachable.map(|(other, _)| (self.delay_ms(node, other), other)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        near.into_iter().take(NEIGHBOURS_WANTED).map(|(_, other)| other.clone()).collect()
    }

    fn modelled_ms(&self, from: &NodeId, to: &NodeId) -> Option<f64> {
        Some(rtt::between_ms(self.place(from)?, self.place(to)?))
    }

    fn place(&self, node: &NodeId) -> Option<Coordinates> {
        let spot = self.spots.get(node).map(|spot| spot.coordinates);
        spot.or_else(|| self.origins.get(node).copied()).flatten()
    }
}

fn place_of(region: &Region) -> Option<Coordinates> {
    places::find(region.as_str()).map(|place| place.coordinates)
}

fn pair(a: &NodeId, b: &NodeId) -> (NodeId, NodeId) {
    if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) }
}

#[cfg(test)]
mod tests {
    use stoa_protocol::mesh::control::Path;

    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn map(places: &[(&str, &str)]) -> Map {
        let mut map = Map::default();
        for (index, (name, region)) in places.iter().enumerate() {
            let relay =
                Relay { address: format!("{name}:7443"), fan_out_max: 8, ..Relay::default() };
            let link = LinkId(index as u64);
            map.handle_relay(node(name), link, &Region::new(*region).unwrap(), relay);
        }
        map
    }

    #[test]
    fn what_was_measured_goes_before_the_model_until_the_link_is_down() {
        let mut map = map(&[("a", "ams"), ("b", "fra")]);
        let modelled = map.delay_ms(&node("a"), &node("b"));
        assert!((3.0..8.0).contains(&modelled), "{modelled}");
        let told =
            |rtt_us| Paths { paths: vec![Path { node: "b".into(), rtt_us, lost_permille: 0 }] };
        map.handle_paths(&node("a"), told(60_000));
        assert!((map.delay_ms(&node("b"), &node("a")) - 31.5).abs() < 0.01);
        map.handle_paths(&node("a"), told(0));
        assert!((map.delay_ms(&node("b"), &node("a")) - modelled).abs() < 0.01);
        map.handle_paths(
            &node("a"),
            Paths { paths: vec![Path { node: "x".into(), ..Path::default() }] },
        );
    }

    #[test]
    fn an_edge_keeps_links_to_the_nearest_that_can_be_reached() {
        let mut map = map(&[("a", "ams"), ("b", "fra"), ("c", "sin"), ("d", "lhr")]);
        map.handle_relay(node("e"), LinkId(9), &Region::new("cdg").unwrap(), Relay::default());
        let neighbours = map.neighbours_of(&node("a"));
        assert_eq!(neighbours.last(), Some(&node("c")));
        assert_eq!(neighbours.len(), 3);
        map.forget(&node("c"), LinkId(2));
        assert_eq!(map.neighbours_of(&node("a")).len(), 2);
    }
}
