//! Other edges that clients of this one may go to, as origins tell.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{ALTERNATIVES_MAX, Alternatives};

use super::command::Command;
use super::hub::Hub;

/// Another edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherEdge {
    /// Where clients reach it; what a peer has said, unchecked.
    pub url: String,
    /// How far it is from this edge, there and back.
    pub rtt: Duration,
}

/// What origins have told, each for itself.
#[derive(Debug, Default)]
pub(super) struct Others {
    told: BTreeMap<NodeId, Vec<OtherEdge>>,
    known: Vec<OtherEdge>,
}

impl Others {
    fn tell(&mut self, teller: NodeId, told: Vec<OtherEdge>) -> bool {
        self.told.insert(teller, told);
        self.settle()
    }

    /// An origin is gone. What the last one has said is better than nothing.
    fn forget(&mut self, teller: &NodeId) -> bool {
        if self.told.len() > 1 {
            self.told.remove(teller);
        }
        self.settle()
    }

    /// Every edge is linked to every origin, so that lists differ for moments only: the longest counts.
    fn settle(&mut self) -> bool {
        let longest = self.told.values().rev().max_by_key(|told| told.len());
        let known = longest.cloned().unwrap_or_default();
        let is_news = known != self.known;
        self.known = known;
        is_news
    }
}

impl Hub {
    pub(super) fn handle_alternatives(&mut self, link: LinkId, told: Alternatives) {
        let Some(teller) = self.parents.node_of(link).cloned() else { return };
        let own = self.relay.public_url.clone();
        let others = told.edges.into_iter().filter(|edge| edge.url != own).take(ALTERNATIVES_MAX);
        let read = others.map(|edge| OtherEdge {
            url: edge.url,
            rtt: Duration::from_micros(edge.rtt_us.into()),
        });
        if self.others.tell(teller, read.collect()) {
            self.recommend();
        }
    }

    pub(super) fn forget_alternatives(&mut self, teller: &NodeId) {
        if self.others.forget(teller) {
            self.recommend();
        }
    }

    fn recommend(&mut self) {
        let edges = self.others.known.clone();
        self.owe(Command::Recommend { edges });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn edges(names: &[&str]) -> Vec<OtherEdge> {
        let edge = |name: &&str| OtherEdge { url: format!("https://{name}"), rtt: Duration::ZERO };
        names.iter().map(edge).collect()
    }

    #[test]
    fn the_longest_list_counts_and_the_last_one_outlives_its_teller() {
        let mut others = Others::default();
        assert!(others.tell(node("a"), edges(&["x"])));
        assert!(others.tell(node("b"), edges(&["x", "y"])));
        assert!(!others.tell(node("a"), edges(&["y"])));
        assert_eq!(others.known, edges(&["x", "y"]));
        assert!(others.forget(&node("b")));
        assert!(!others.forget(&node("a")), "nobody knows better");
        assert_eq!(others.known, edges(&["y"]));
    }
}
