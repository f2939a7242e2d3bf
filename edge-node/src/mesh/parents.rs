//! Which links lead to origins, and which of them is asked about what nobody here knows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;

/// The origins that are linked.
#[derive(Debug, Default)]
pub struct Parents {
    links: BTreeMap<LinkId, Parent>,
}

#[derive(Debug)]
struct Parent {
    node: NodeId,
    draining: bool,
    /// Absent until it was measured.
    round_trip: Option<Duration>,
}

impl Parents {
    /// A link to an origin is up.
    pub fn insert(&mut self, link: LinkId, node: NodeId) {
        self.links.insert(link, Parent { node, draining: false, round_trip: None });
    }

    /// A link is down. Says which origin was at its other end, if it was one of these.
    pub fn remove(&mut self, link: LinkId) -> Option<NodeId> {
        self.links.remove(&link).map(|parent| parent.node)
    }

    /// The origin drains, or no longer does.
    pub fn set_draining(&mut self, link: LinkId, draining: bool) {
        if let Some(parent) = self.links.get_mut(&link) {
            parent.draining = draining;
        }
    }

    /// How long a question and its answer are under way at least.
    pub fn set_round_trip(&mut self, link: LinkId, round_trip: Duration) {
        if let Some(parent) = self.links.get_mut(&link) {
            parent.round_trip = Some(round_trip);
        }
    }

    /// Whether this is the link of an origin.
    #[must_use]
    pub fn contains(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// Whether no origin is linked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The origin at the other end.
    #[must_use]
    pub fn node_of(&self, link: LinkId) -> Option<&NodeId> {
        self.links.get(&link).map(|parent| &parent.node)
    }

    /// The link to an origin; the newest of two is the one that lives.
    #[must_use]
    pub fn link_of(&self, node: &NodeId) -> Option<LinkId> {
        self.links.iter().rev().find(|(_, parent)| parent.node == *node).map(|(link, _)| *link)
    }

    /// Who is asked about what nobody here knows: one that does not drain if possible, then the
    /// smallest node id, so that edges with the same links agree.
    #[must_use]
    pub fn any(&self) -> Option<LinkId> {
        let best = self
            .links
            .iter()
            .min_by_key(|(link, parent)| (parent.draining, &parent.node, Reverse(**link)));
        best.map(|(link, _)| *link)
    }

    /// Who is asked to make a room: it should be near those who will speak in it, and whoever makes
    /// it is likely one of them.
    #[must_use]
    pub fn nearest(&self) -> Option<LinkId> {
        let best = self.links.iter().min_by_key(|(link, parent)| {
            let round_trip = parent.round_trip.unwrap_or(Duration::MAX);
            (parent.draining, round_trip, &parent.node, Reverse(**link))
        });
        best.map(|(link, _)| *link)
    }

    /// All links to origins.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.keys().copied()
    }

    /// One link to each origin.
    #[must_use]
    pub fn each(&self) -> BTreeMap<NodeId, LinkId> {
        self.links.iter().map(|(link, parent)| (parent.node.clone(), *link)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    #[test]
    fn a_draining_origin_gets_no_new_rooms_while_there_is_another() {
        let mut parents = Parents::default();
        assert_eq!(parents.any(), None);
        parents.insert(LinkId(1), node("a"));
        parents.insert(LinkId(2), node("b"));
        assert_eq!((parents.any(), parents.nearest()), (Some(LinkId(1)), Some(LinkId(1))));
        parents.set_draining(LinkId(1), true);
        assert_eq!((parents.any(), parents.nearest()), (Some(LinkId(2)), Some(LinkId(2))));
        assert_eq!(parents.remove(LinkId(2)), Some(node("b")));
        assert_eq!(parents.any(), Some(LinkId(1)));
    }

    #[test]
    fn the_newer_of_two_links_to_one_origin_is_used() {
        let mut parents = Parents::default();
        parents.insert(LinkId(1), node("a"));
        parents.insert(LinkId(5), node("a"));
        assert_eq!(parents.any(), Some(LinkId(5)));
        assert_eq!(parents.link_of(&node("a")), Some(LinkId(5)));
        assert_eq!(parents.each(), BTreeMap::from([(node("a"), LinkId(5))]));
    }

    #[test]
    fn a_room_is_made_by_the_nearest_origin_and_a_measured_one_is_nearer_than_an_unmeasured_one() {
        let mut parents = Parents::default();
        for (link, name) in [(1, "a"), (2, "b"), (3, "c")] {
            parents.insert(LinkId(link), node(name));
        }
        parents.set_round_trip(LinkId(2), Duration::from_millis(80));
        assert_eq!(parents.nearest(), Some(LinkId(2)));
        parents.set_round_trip(LinkId(3), Duration::from_millis(80));
        assert_eq!(parents.nearest(), Some(LinkId(2)), "the node id decides between equals");
        parents.set_round_trip(LinkId(3), Duration::from_millis(20));
        assert_eq!((parents.nearest(), parents.any()), (Some(LinkId(3)), Some(LinkId(1))));
    }
}
