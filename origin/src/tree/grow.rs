//! A first tree: nodes are hung up one after the other where it is cheapest, between Prim and Dijkstra.

use super::network::NodeIndex;
use super::plan::DEPTH_MAX;
use super::workshop::Workshop;

/// Slots are scarce when there are fewer than this share of those who wait for one.
const SCARCE_BELOW: usize = 4;

/// A place in the tree for somebody outside.
#[derive(Clone, Copy, Debug)]
struct Offer {
    parent: NodeIndex,
    score: f32,
}

impl Workshop<'_> {
    /// Hangs every wanted node into the feed, and others where slots would run out without them. What finds no
    /// place stays out. It takes the square of the nodes in time, at least.
    pub(super) fn grow(&mut self, wanted: &[bool], delay_share: f32) {
        let mut outside: Vec<NodeIndex> =
            self.network.indices().filter(|node| !self.feed.is_placed(*node)).collect();
        let mut offers: Vec<Option<Offer>> = vec![None; self.network.len()];
        for node in &outside {
            offers[node.at()] = self.best_offer(*node, delay_share);
        }
        while let Some((node, offer)) = self.next(&outside, wanted, &offers) {
            self.hang(node, offer.parent);
            outside.retain(|other| *other != node);
            for other in &outside {
                let kept =
                    offers[other.at()].filter(|offer| self.slots.has_room(self.feed, offer.parent));
                offers[other.at()] = match (kept, self.offer(node, *other, delay_share)) {
                    (None, _) => self.best_offer(*other, delay_share),
                    (Some(old), Some(new)) if new.score < old.score => Some(new),
                    (old, _) => old,
                };
            }
        }
    }

    /// Who is hung up next.
    fn next(
        &self,
        outside: &[NodeIndex],
        wanted: &[bool],
        offers: &[Option<Offer>],
    ) -> Option<(NodeIndex, Offer)> {
        let cheapest = |may: &dyn Fn(NodeIndex) -> bool| {
            let nodes = outside.iter().filter(|node| may(**node));
            let offered = nodes.filter_map(|node| Some((*node, offers[node.at()]?)));
            offered.min_by(|a, b| a.1.score.total_cmp(&b.1.score))
        };
        let waiting = outside.iter().filter(|node| wanted[node.at()]).count();
        if waiting == 0 {
            return None;
        }
        let depths = self
            .network
            .indices()
            .filter(|node| self.feed.is_placed(*node) && self.feed.depth(*node) < DEPTH_MAX);
        let left: usize = depths.map(|node| self.slots.left(self.feed, node)).sum();
        // While slots are few, they are for those who bring more; the last one even for who is not wanted.
        let is_scarce = left * SCARCE_BELOW < waiting;
        let brings = |node: NodeIndex| self.slots.brings(node);
        let wanted = |node: NodeIndex| wanted[node.at()];
        cheapest(&|node| is_scarce && wanted(node) && brings(node))
            .or_else(|| cheapest(&|node| left <= 1 && waiting > 1 && brings(node)))
            .or_else(|| cheapest(&wanted))
    }

    fn best_offer(&self, child: NodeIndex, delay_share: f32) -> Option<Offer> {
        let offers = self.network.indices().filter_map(|node| self.offer(node, child, delay_share));
        offers.min_by(|a, b| a.score.total_cmp(&b.score))
    }

    fn offer(&self, parent: NodeIndex, child: NodeIndex, delay_share: f32) -> Option<Offer> {
        let fits = self.feed.is_placed(parent)
            && self.feed.depth(parent) < DEPTH_MAX
            && self.slots.has_room(self.feed, parent);
        let (delay, link) = (self.feed.delay_ms(parent), self.network.delay_ms(parent, child));
        fits.then_some(Offer { parent, score: delay * delay_share + link })
    }
}
