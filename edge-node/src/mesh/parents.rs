//! Which links lead towards the owners of rooms. For now every room is owned by the origin at the
//! other end of one link; the room side asks here per room, so that placement can grow.

use std::collections::BTreeMap;

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
}

impl Parents {
    /// A link to an origin is up.
    pub fn insert(&mut self, link: LinkId, node: NodeId) {
        self.links.insert(link, Parent { node, draining: false });
    }

    /// A link is down. Says whether it was one of these.
    pub fn remove(&mut self, link: LinkId) -> bool {
        self.links.remove(&link).is_some()
    }

    /// The origin drains, or no longer does.
    pub fn set_draining(&mut self, link: LinkId, draining: bool) {
        if let Some(parent) = self.links.get_mut(&link) {
            parent.draining = draining;
        }
    }

    /// Whether this is the link of an origin.
    #[must_use]
    pub fn contains(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// The link to the owner of rooms that have none yet: one that does not drain if possible, then
    /// the smallest node id, so that edges with the same links agree.
    #[must_use]
    pub fn owner(&self) -> Option<LinkId> {
        let best = self.links.iter().min_by_key(|(link, parent)| {
            // The newest of two links to the same node is the one that lives.
            (parent.draining, &parent.node, std::cmp::Reverse(**link))
        });
        best.map(|(link, _)| *link)
    }

    /// All links to origins.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.keys().copied()
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
        assert_eq!(parents.owner(), None);
        parents.insert(LinkId(1), node("a"));
        parents.insert(LinkId(2), node("b"));
        assert_eq!(parents.owner(), Some(LinkId(1)));
        parents.set_draining(LinkId(1), true);
        assert_eq!(parents.owner(), Some(LinkId(2)));
        assert!(parents.remove(LinkId(2)));
        assert_eq!(parents.owner(), Some(LinkId(1)));
    }

    #[test]
    fn the_newer_of_two_links_to_one_origin_is_used() {
        let mut parents = Parents::default();
        parents.insert(LinkId(1), node("a"));
        parents.insert(LinkId(5), node("a"));
        assert_eq!(parents.owner(), Some(LinkId(5)));
    }
}
