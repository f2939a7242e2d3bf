//! How many peers have figures of their own: names come and go, and a page must not grow for ever.

use std::collections::BTreeMap;

use stoa_protocol::ids::{NodeId, Region};

use crate::event::PeerName;

/// Peers with figures of their own; when there are more, those that have gone lose theirs, longest gone first.
pub const PEERS_MAX: usize = 512;

/// What the figures of all others are called.
pub(crate) const OTHER: &str = "other";

#[derive(Debug)]
struct Presence {
    region: Region,
    /// Links to it that are up.
    links: usize,
    /// When the last one went down, in turns.
    left: u64,
}

/// The peers that have figures of their own.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    known: BTreeMap<NodeId, Presence>,
    turn: u64,
}

/// What becomes of the figures of a peer that has come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entered {
    /// Whether it has its own; they are [`OTHER`]'s otherwise.
    pub(crate) shown: bool,
    /// A peer that is gone and whose figures, by name and region, must be taken off the page.
    pub(crate) dropped: Option<(NodeId, Region)>,
}

impl Peers {
    /// A link to a peer is up.
    pub(crate) fn enter(&mut self, peer: &PeerName) -> Entered {
        self.turn += 1;
        if let Some(presence) = self.known.get_mut(&peer.node).filter(|p| p.region == peer.region) {
            presence.links += 1;
            return Entered { shown: true, dropped: None };
        }
        // A name that has moved is somebody else.
        let moved = self.known.remove(&peer.node).map(|before| (peer.node.clone(), before.region));
        let dropped = moved.or_else(|| self.make_room());
        let shown = self.known.len() < PEERS_MAX;
        if shown {
            let presence = Presence { region: peer.region.clone(), links: 1, left: 0 };
            self.known.insert(peer.node.clone(), presence);
        }
        Entered { shown, dropped }
    }

    /// A link to a peer is down; says whether none is left.
    pub(crate) fn leave(&mut self, node: &NodeId) -> bool {
        self.turn += 1;
        let Some(presence) = self.known.get_mut(node) else { return false };
        presence.links = presence.links.saturating_sub(1);
        presence.left = self.turn;
        presence.links == 0
    }

    fn make_room(&mut self) -> Option<(NodeId, Region)> {
        if self.known.len() < PEERS_MAX {
            return None;
        }
        let gone = self.known.iter().filter(|(_, presence)| presence.links == 0);
        let node = gone.min_by_key(|(_, presence)| presence.left)?.0.clone();
        let presence = self.known.remove(&node)?;
        Some((node, presence.region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::edge;

    #[test]
    fn peers_that_are_gone_make_room_and_others_share_a_name_when_nobody_is() {
        let mut peers = Peers::default();
        for index in 0..PEERS_MAX {
            assert_eq!(
                peers.enter(&edge(&format!("e-{index}"))),
                Entered { shown: true, dropped: None }
            );
        }
        assert_eq!(peers.enter(&edge("late")), Entered { shown: false, dropped: None });
        assert!(!peers.leave(&edge("late").node));
        for name in ["e-7", "e-3"] {
            assert!(peers.leave(&edge(name).node));
        }
        let entered = peers.enter(&edge("late"));
        assert!(entered.shown);
        assert_eq!(entered.dropped.unwrap().0.as_str(), "e-7", "it left first");
    }

    #[test]
    fn a_second_link_to_a_peer_keeps_its_figures_when_the_first_goes() {
        let mut peers = Peers::default();
        peers.enter(&edge("a"));
        peers.enter(&edge("a"));
        assert!(!peers.leave(&edge("a").node));
        assert!(peers.leave(&edge("a").node));
    }
}
