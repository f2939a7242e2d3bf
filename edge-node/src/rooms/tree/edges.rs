//! Links to other edges: which are dialled, and what they measure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{NEIGHBOURS_MAX, Neighbour, Path, Paths};

use crate::mesh::is_address;

/// Edges that are linked at once; further ones are not served.
pub(in crate::rooms) const EDGES_MAX: usize = 256;

/// Addresses of edges that are dialled at once.
const DIALLED_MAX: usize = 128;

/// A round-trip time that differs by less than this share, or this time, is not told again.
const RTT_STEP: (f64, Duration) = (0.1, Duration::from_millis(2));

/// Loss that differs by less is not told again, in permille.
const LOSS_STEP: u32 = 10;

/// After so many tellings, one a second, everything is told once more: origins believe what they were told for a while.
const TOLD_ANEW_AFTER: u32 = 600;

/// A link to another edge.
#[derive(Debug)]
struct Edge {
    node: NodeId,
    rtt: Duration,
    lost_permille: u32,
}

impl Edge {
    fn new(node: NodeId) -> Self {
        Self { node, rtt: Duration::ZERO, lost_permille: 0 }
    }
}

/// Links to other edges.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Edges {
    links: BTreeMap<LinkId, Edge>,
    /// Links to origins, which are measured, too.
    origins: BTreeMap<LinkId, Edge>,
    /// What each origin wants measured.
    wanted: BTreeMap<NodeId, BTreeMap<NodeId, String>>,
    dialled: BTreeMap<NodeId, String>,
    /// What origins know.
    told: BTreeMap<NodeId, (Duration, u32)>,
    tellings: u32,
}

impl Edges {
    /// A link is up; `false` when there are too many.
    pub(in crate::rooms) fn insert(&mut self, link: LinkId, node: NodeId) -> bool {
        if self.links.len() >= EDGES_MAX {
            return false;
        }
        self.links.insert(link, Edge::new(node));
        true
    }

    /// A link to an origin is up.
    pub(in crate::rooms) fn insert_origin(&mut self, link: LinkId, node: NodeId) {
        self.origins.insert(link, Edge::new(node));
    }

    /// A link has ended. Says whose it was, if it was an edge's.
    pub(in crate::rooms) fn remove(&mut self, link: LinkId) -> Option<NodeId> {
        self.origins.remove(&link);
        self.links.remove(&link).map(|edge| edge.node)
    }

    pub(in crate::rooms) fn contains(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    pub(in crate::rooms) fn len(&self) -> usize {
        self.links.len()
    }

    /// Who is at the other end of a link.
    pub(in crate::rooms) fn node_of(&self, link: LinkId) -> Option<&NodeId> {
        self.links.get(&link).map(|edge| &edge.node)
    }

    /// The newest link to a node.
    pub(in crate::rooms) fn link_of(&self, node: &NodeId) -> Option<LinkId> {
        self.links.iter().rev().find(|(_, edge)| edge.node == *node).map(|(link, _)| *link)
    }

    /// What a link measures.
    pub(in crate::rooms) fn note(&mut self, link: LinkId, rtt: Duration, lost_permille: u32) {
        let edge = self.links.get_mut(&link).or(self.origins.get_mut(&link));
        if let Some(edge) = edge {
            edge.rtt = rtt;
            edge.lost_permille = lost_permille;
        }
    }

    /// What has changed since origins were told last.
    pub(in crate::rooms) fn news(&mut self) -> Option<Paths> {
        self.tellings += 1;
        if self.tellings >= TOLD_ANEW_AFTER {
            self.tellings = 0;
            self.told.clear();
        }
        let mut paths = Vec::new();
        let measured = self.links.values().chain(self.origins.values());
        for edge in measured.filter(|edge| !edge.rtt.is_zero()) {
            if paths.len() >= NEIGHBOURS_MAX {
                // The others are news a second later, too.
                break;
            }
            let before = self.told.get(&edge.node);
            if before.is_none_or(|(rtt, lost)| differs((*rtt, *lost), edge)) {
                self.told.insert(edge.node.clone(), (edge.rtt, edge.lost_permille));
                paths.push(path(&edge.node, edge.rtt, edge.lost_permille));
            }
        }
        let (links, origins) = (&self.links, &self.origins);
        self.told.retain(|node, _| {
            let there = links.values().chain(origins.values()).any(|edge| edge.node == *node);
            if !there {
                paths.push(path(node, Duration::ZERO, 0));
            }
            there
        });
        paths.truncate(NEIGHBOURS_MAX);
        (!paths.is_empty()).then_some(Paths { paths })
    }

    /// Everything that is measured, for an origin that is new.
    pub(in crate::rooms) fn all(&self) -> Paths {
        let told = self.told.iter().take(NEIGHBOURS_MAX);
        Paths { paths: told.map(|(node, (rtt, lost))| path(node, *rtt, *lost)).collect() }
    }

    /// An origin wants these edges linked and measured.
    pub(in crate::rooms) fn handle_neighbours(&mut self, teller: &NodeId, named: Vec<Neighbour>) {
        let read = |wire: Neighbour| {
            let node = NodeId::new(wire.node).ok()?;
            is_address(&wire.address).then_some((node, wire.address))
        };
        let wanted = named.into_iter().take(NEIGHBOURS_MAX).filter_map(read).collect();
        self.wanted.insert(teller.clone(), wanted);
    }

    /// An origin is gone, and with it what it wanted.
    pub(in crate::rooms) fn handle_gone(&mut self, teller: &NodeId) {
        self.wanted.remove(teller);
    }

    /// Brings what is dialled in line with what is wanted, `parents` of rooms included. Says how many edges there are
    /// too many, if anything has changed.
    pub(in crate::rooms) fn settle(
        &mut self,
        parents: BTreeMap<NodeId, String>,
        own: impl Fn(&NodeId) -> bool,
    ) -> Option<usize> {
        let measured = self.wanted.values().flatten().map(|(n, a)| (n.clone(), a.clone()));
        let wanted: BTreeMap<NodeId, String> =
            measured.chain(parents).filter(|(node, at)| !own(node) && is_address(at)).collect();
        let before = self.dialled.clone();
        self.dialled.retain(|node, address| wanted.get(node) == Some(address));
        let mut over = 0;
        for (node, address) in wanted {
            let linked = self.links.values().any(|edge| edge.node == node);
            // Whoever has dialled us is linked already, and dialling back would only disturb that.
            if linked || self.dialled.contains_key(&node) {
                continue;
            }
            if self.dialled.len() >= DIALLED_MAX {
                over += 1;
                continue;
            }
            self.dialled.insert(node, address);
        }
        (before != self.dialled).then_some(over)
    }

    /// The addresses that are dialled.
    pub(in crate::rooms) fn dialled(&self) -> BTreeSet<String> {
        self.dialled.values().cloned().collect()
    }
}

fn differs((rtt, lost): (Duration, u32), now: &Edge) -> bool {
    let change = now.rtt.abs_diff(rtt);
    let (share, time) = RTT_STEP;
    (change > time && change.as_secs_f64() > rtt.as_secs_f64() * share)
        || lost.abs_diff(now.lost_permille) >= LOSS_STEP
}

fn path(node: &NodeId, rtt: Duration, lost_permille: u32) -> Path {
    let rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
    Path { node: node.as_str().to_owned(), rtt_us, lost_permille }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn neighbour(name: &str) -> Neighbour {
        Neighbour { node: name.to_owned(), address: format!("{name}:7443") }
    }

    #[test]
    fn who_is_wanted_is_dialled_unless_he_has_dialled_us() {
        let mut edges = Edges::default();
        edges.insert(LinkId(1), node("b"));
        edges.handle_neighbours(&node("origin"), vec![neighbour("a"), neighbour("b")]);
        let parents = BTreeMap::from([(node("c"), "c:7443".to_owned())]);
        assert_eq!(edges.settle(parents, |own| *own == node("me")), Some(0));
        assert_eq!(edges.dialled(), ["a:7443".to_owned(), "c:7443".to_owned()].into());
        edges.remove(LinkId(1));
        assert_eq!(edges.settle(BTreeMap::new(), |_| false), Some(0));
        assert_eq!(edges.dialled(), ["a:7443".to_owned(), "b:7443".to_owned()].into());
        edges.handle_gone(&node("origin"));
        edges.settle(BTreeMap::new(), |_| false);
        assert_eq!(edges.dialled(), BTreeSet::new());
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let mut edges = Edges::default();
        edges.insert(LinkId(1), node("a"));
        assert_eq!(edges.news(), None, "nothing was measured");
        edges.note(LinkId(1), Duration::from_millis(50), 0);
        let rtt = |news: Option<Paths>| news.unwrap().paths[0].rtt_us;
        assert_eq!(rtt(edges.news()), 50_000);
        edges.note(LinkId(1), Duration::from_millis(54), 5);
        assert_eq!(edges.news(), None);
        edges.note(LinkId(1), Duration::from_millis(60), 5);
        assert_eq!(rtt(edges.news()), 60_000);
        edges.remove(LinkId(1));
        assert_eq!(rtt(edges.news()), 0, "the link is down");
        assert_eq!(edges.news(), None);
    }

    #[test]
    fn what_was_measured_is_told_anew_before_origins_forget_it() {
        let mut edges = Edges::default();
        for link in 0..100 {
            edges.insert(LinkId(link), node(&format!("e-{link}")));
            edges.note(LinkId(link), Duration::from_millis(50), 0);
        }
        let told = |edges: &mut Edges| edges.news().map_or(0, |news| news.paths.len());
        assert_eq!([told(&mut edges), told(&mut edges), told(&mut edges)], [64, 36, 0]);
        let again: usize = (3..=TOLD_ANEW_AFTER).map(|_| told(&mut edges)).sum();
        assert_eq!(again + told(&mut edges), 100);
    }

    #[test]
    fn what_is_dialled_is_bounded() {
        let mut edges = Edges::default();
        let many = |from: usize| (from..from + 64).map(|i| neighbour(&format!("e-{i}"))).collect();
        for (index, origin) in ["a", "b", "c"].into_iter().enumerate() {
            edges.handle_neighbours(&node(origin), many(index * 64));
        }
        assert_eq!(edges.settle(BTreeMap::new(), |_| false), Some(64));
        assert_eq!(edges.dialled().len(), DIALLED_MAX);
    }
}
