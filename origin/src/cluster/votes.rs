//! Which edges have lost which owner: a standby may take a room over without asking the store first only when most of
//! the room's edges have.

use std::collections::{BTreeMap, BTreeSet};

use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};

/// Rooms that one edge may name; more are not taken note of.
const ROOMS_PER_EDGE_MAX: usize = 10_000;

/// What edges have said.
#[derive(Debug, Default)]
pub struct Votes {
    lost: BTreeMap<(LinkId, NodeId), BTreeSet<RoomId>>,
    /// Who is at the other end of each link that has said anything.
    edges: BTreeMap<LinkId, NodeId>,
}

impl Votes {
    /// An edge names rooms whose owner it has lost; replaces what it named before, unless there is `more`. Says how
    /// many found no place.
    pub fn note(
        &mut self,
        (link, edge): (LinkId, &NodeId),
        owner: &NodeId,
        rooms: impl Iterator<Item = RoomId>,
        more: bool,
    ) -> usize {
        self.edges.insert(link, edge.clone());
        let lost = self.lost.entry((link, owner.clone())).or_default();
        if !more {
            lost.clear();
        }
        let mut over = 0;
        for room in rooms {
            if lost.len() < ROOMS_PER_EDGE_MAX || lost.contains(&room) {
                lost.insert(room);
            } else {
                over += 1;
            }
        }
        if lost.is_empty() {
            self.lost.remove(&(link, owner.clone()));
        }
        over
    }

    /// An edge is no longer linked: what it has said says nothing any more.
    pub fn forget(&mut self, link: LinkId) {
        self.edges.remove(&link);
        self.lost.retain(|(of, _), _| *of != link);
    }

    /// The links of edges that have lost the owner of a room.
    pub fn links_of(&self, room: &RoomId) -> impl Iterator<Item = LinkId> {
        let lost = self.lost.iter().filter(move |(_, rooms)| rooms.contains(room));
        lost.map(|((link, _), _)| *link)
    }

    /// Whether more than half of `edges` have lost this owner of this room.
    #[must_use]
    pub fn has_majority(&self, room: &RoomId, owner: &NodeId, edges: &BTreeSet<NodeId>) -> bool {
        let voters: BTreeSet<&NodeId> = self
            .lost
            .iter()
            .filter(|((_, of), rooms)| of == owner && rooms.contains(room))
            .filter_map(|((link, _), _)| self.edges.get(link))
            .filter(|edge| edges.contains(*edge))
            .collect();
        voters.len() * 2 > edges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    #[test]
    fn more_than_half_of_the_rooms_edges_must_have_lost_its_owner() {
        let mut votes = Votes::default();
        let (room, owner) = (RoomId::new("r").unwrap(), node("o1"));
        let edges: BTreeSet<NodeId> = ["a", "b", "c", "d"].map(node).into();
        let lose = |votes: &mut Votes, link: u64, edge: &str, rooms: &[&str]| {
            let rooms = rooms.iter().map(|room| RoomId::new(*room).unwrap());
            votes.note((LinkId(link), &node(edge)), &node("o1"), rooms, false)
        };
        lose(&mut votes, 1, "a", &["r"]);
        lose(&mut votes, 2, "b", &["r", "s"]);
        assert!(!votes.has_majority(&room, &owner, &edges), "half is not enough");
        lose(&mut votes, 3, "stranger", &["r"]);
        assert!(!votes.has_majority(&room, &owner, &edges), "he is not in the room");
        lose(&mut votes, 4, "b", &["r"]);
        assert!(!votes.has_majority(&room, &owner, &edges), "nobody counts twice");
        lose(&mut votes, 5, "c", &["r"]);
        assert!(votes.has_majority(&room, &owner, &edges));
        assert!(!votes.has_majority(&room, &node("o2"), &edges), "of another owner");
        lose(&mut votes, 5, "c", &[]);
        assert!(!votes.has_majority(&room, &owner, &edges), "it has its owner again");
        lose(&mut votes, 5, "c", &["r"]);
        votes.forget(LinkId(5));
        assert!(!votes.has_majority(&room, &owner, &edges), "it is not linked any more");
        assert!(
            !votes.has_majority(&room, &owner, &BTreeSet::new()),
            "without edges nobody decides"
        );
    }
}
