//! Who may take one more child in a feed. A node relays in one feed only, so that no two paths share it.

use super::feed::Feed;
use super::network::{Network, NodeIndex};

/// The slots of one feed while it is changed.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// Children that each node is planned to have in this feed at most.
    planned: Vec<u16>,
    /// The same with the slot that is kept in reserve.
    all: Vec<u16>,
    /// Planned slots of nodes that relay in no feed yet, less what the other feed still needs.
    spare: i64,
    /// Reserves, and what the other feed needs, may be used: somebody would get nothing else.
    pub(super) is_pressed: bool,
}

impl Slots {
    /// For `feed`, where nodes that relay in `other` relay nothing; that many slots are left to the latter, or half of
    /// what there is.
    pub(super) fn new(
        network: &Network,
        feed: &Feed,
        other: Option<&Feed>,
        feed_kbps: u32,
        left_to_other: usize,
    ) -> Self {
        let taken = |node: NodeIndex| {
            other.is_some_and(|other| node == other.root || !other.children(node).is_empty())
        };
        let free = |node: &NodeIndex| !taken(*node);
        let mut planned = vec![0; network.len()];
        let mut all = vec![0; network.len()];
        for node in network.indices().filter(free) {
            planned[node.at()] = network.planned_slots(node, feed_kbps);
            all[node.at()] = network.slots(node, feed_kbps);
        }
        let idle = |node: &NodeIndex| feed.children(*node).is_empty() && *node != feed.root;
        let idle = network.indices().filter(idle);
        let spare: i64 = idle.map(|node| i64::from(planned[node.at()])).sum();
        let left_to_other = left_to_other.min(usize::try_from(spare).unwrap_or(0) / 2);
        let left_to_other = i64::try_from(left_to_other).unwrap_or(i64::MAX);
        Self { planned, all, spare: spare - left_to_other, is_pressed: false }
    }

    /// Children that `node` may have in this feed.
    fn limit(&self, node: NodeIndex) -> usize {
        let limits = if self.is_pressed { &self.all } else { &self.planned };
        usize::from(limits[node.at()])
    }

    /// How many more children `node` may take.
    pub(super) fn left(&self, feed: &Feed, node: NodeIndex) -> usize {
        let children = feed.children[node.at()].len();
        let begins = children == 0 && node != feed.root;
        if begins && !self.may_begin(node) {
            return 0;
        }
        self.limit(node).saturating_sub(children)
    }

    /// Whether `node` may take one more child.
    pub(super) fn has_room(&self, feed: &Feed, node: NodeIndex) -> bool {
        self.left(feed, node) > 0
    }

    /// Whether `node` has more children than it should.
    pub(super) fn is_overfull(&self, feed: &Feed, node: NodeIndex) -> bool {
        feed.children[node.at()].len() > self.limit(node)
    }

    /// Whether `node` keeps a slot for a child whose parent dies, after `claims` others.
    pub(super) fn has_reserve(&self, feed: &Feed, node: NodeIndex, claims: usize) -> bool {
        feed.children[node.at()].len() + claims < usize::from(self.all[node.at()])
    }

    /// Whether `node`, which is outside, would bring slots.
    pub(super) fn brings(&self, node: NodeIndex) -> bool {
        self.may_relay(node) && self.may_begin(node)
    }

    /// Whether a node that relays nothing yet may do so in this feed.
    fn may_begin(&self, node: NodeIndex) -> bool {
        self.is_pressed || self.spare >= i64::from(self.planned[node.at()])
    }

    /// Whether `node` could ever have a child in this feed.
    pub(super) fn may_relay(&self, node: NodeIndex) -> bool {
        self.limit(node) > 0
    }

    /// `parent` has just got a child.
    pub(super) fn taken(&mut self, feed: &Feed, parent: NodeIndex) {
        if feed.children[parent.at()].len() == 1 && parent != feed.root {
            self.spare -= i64::from(self.planned[parent.at()]);
        }
    }

    /// `parent` has just lost a child.
    pub(super) fn released(&mut self, feed: &Feed, parent: NodeIndex) {
        if feed.children[parent.at()].is_empty() && parent != feed.root {
            self.spare += i64::from(self.planned[parent.at()]);
        }
    }
}
