//! One feed while it is changed, with its slots and prices: the moves that everything else is made of.

use super::feed::Feed;
use super::network::{Network, NodeIndex};
use super::plan::DEPTH_MAX;
use super::price::Prices;
use super::slots::Slots;

/// A feed on the bench.
#[derive(Debug)]
pub(super) struct Workshop<'a> {
    pub(super) network: &'a Network,
    pub(super) feed: &'a mut Feed,
    pub(super) slots: Slots,
    pub(super) prices: Prices,
}

impl Workshop<'_> {
    /// Whether `parent` may take `node` with all that hangs below it.
    pub(super) fn fits(&self, node: NodeIndex, parent: NodeIndex) -> bool {
        self.feed.is_placed(parent)
            && self.slots.has_room(self.feed, parent)
            && !self.feed.is_within(parent, node)
            && self.is_shallow(node, parent)
    }

    /// Whether nothing below `node` becomes too deep when it hangs below `parent`.
    pub(super) fn is_shallow(&self, node: NodeIndex, parent: NodeIndex) -> bool {
        let depth = self.feed.depth(parent).saturating_add(1);
        depth.saturating_add(self.feed.height(node)) <= DEPTH_MAX
    }

    /// How much dearer the tree becomes when `node` moves below `to`.
    pub(super) fn dearer(&self, node: NodeIndex, to: NodeIndex) -> Option<f32> {
        let from = self.feed.parent(node)?;
        let (feed, network) = (&*self.feed, self.network);
        let later = feed.delay_ms(to) + network.delay_ms(to, node) - feed.delay_ms(node);
        let links = self.prices.link(network, to, node) - self.prices.link(network, from, node);
        Some(self.prices.shift(feed, node, later) + links)
    }

    /// What the whole tree costs.
    pub(super) fn price(&self) -> f32 {
        self.prices.total(self.network, self.feed)
    }

    /// Moves a subtree and says where it was.
    pub(super) fn relocate(&mut self, node: NodeIndex, to: NodeIndex) -> Option<NodeIndex> {
        let from = self.feed.detach(node)?;
        self.slots.released(self.feed, from);
        self.hang(node, to);
        Some(from)
    }

    /// Hangs up a subtree that is outside.
    pub(super) fn hang(&mut self, node: NodeIndex, parent: NodeIndex) {
        self.feed.attach(self.network, node, parent);
        self.slots.taken(self.feed, parent);
    }

    /// Takes a subtree out.
    pub(super) fn cut(&mut self, node: NodeIndex) -> Option<NodeIndex> {
        let parent = self.feed.cut(node)?;
        self.slots.released(self.feed, parent);
        Some(parent)
    }

    /// The best parent for a subtree that is outside or is to leave where it is.
    pub(super) fn best_parent(&self, node: NodeIndex) -> Option<NodeIndex> {
        let price = |parent: NodeIndex| {
            let delay = self.feed.delay_ms(parent) + self.network.delay_ms(parent, node);
            self.prices.node(node, delay).max(delay) + self.prices.link(self.network, parent, node)
        };
        let fitting = self.network.indices().filter(|parent| self.fits(node, *parent));
        let priced = fitting.map(|parent| (price(parent), parent));
        priced.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, parent)| parent)
    }

    /// Hangs up a subtree where it is best, in need on a reserved slot. What is too deep in one piece comes
    /// apart; false when even the node alone finds no place.
    pub(super) fn place(&mut self, node: NodeIndex) -> bool {
        let mut outside = vec![node];
        while let Some(next) = outside.pop() {
            if let Some(parent) = self.best_parent_in_need(next) {
                self.hang(next, parent);
                continue;
            }
            let children = self.feed.children[next.at()].clone();
            if children.is_empty() {
                continue;
            }
            outside.push(next);
            for child in children {
                self.cut(child);
                outside.insert(0, child);
            }
        }
        self.feed.is_placed(node)
    }

    fn best_parent_in_need(&mut self, node: NodeIndex) -> Option<NodeIndex> {
        self.best_parent(node).or_else(|| {
            let before = std::mem::replace(&mut self.slots.is_pressed, true);
            let parent = self.best_parent(node);
            self.slots.is_pressed = before;
            parent
        })
    }

    /// Takes out relays that nobody needs any more: no members, and without children.
    pub(super) fn dismiss(&mut self, members: &[bool]) {
        for node in self.network.indices() {
            let mut idle = Some(node);
            while let Some(at) = idle.filter(|at| {
                !members[at.at()]
                    && self.feed.parent(*at).is_some()
                    && self.feed.children(*at).is_empty()
            }) {
                idle = self.cut(at);
            }
        }
    }

    /// Moves children of nodes that have more than planned to better places, as far as there are any.
    pub(super) fn relieve(&mut self) {
        for node in self.network.indices() {
            while self.slots.is_overfull(self.feed, node) {
                let Some((child, to)) = self.cheapest_removal(node) else { break };
                self.relocate(child, to);
            }
        }
    }

    /// Moves nodes whose two parents lie in one failure domain below others, where there are any.
    pub(super) fn part_domains(&mut self) {
        let links: Vec<(NodeIndex, NodeIndex)> = self.feed.links().collect();
        for (parent, node) in links {
            if !self.prices.is_shunned(self.network, parent, node) {
                continue;
            }
            let better = self
                .best_parent(node)
                .filter(|to| self.dearer(node, *to).is_some_and(|dearer| dearer < 0.0));
            if let Some(to) = better {
                self.relocate(node, to);
            }
        }
    }

    /// Takes from each node the children that it cannot carry at all. Those find other places, or none.
    pub(super) fn unload(&mut self) {
        self.slots.is_pressed = true;
        for node in self.network.indices() {
            while self.slots.is_overfull(self.feed, node) {
                if let Some((child, to)) = self.cheapest_removal(node) {
                    self.relocate(child, to);
                } else if let Some(child) = self.feed.children(node).last().copied() {
                    self.cut(child);
                    self.place(child);
                }
            }
        }
        self.slots.is_pressed = false;
    }

    /// Which child would move where at the lowest price.
    fn cheapest_removal(&self, node: NodeIndex) -> Option<(NodeIndex, NodeIndex)> {
        let moves = self.feed.children(node).iter().filter_map(|child| {
            let to = self.best_parent(*child)?;
            Some((self.dearer(*child, to)?, *child, to))
        });
        moves.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, child, to)| (child, to))
    }
}
