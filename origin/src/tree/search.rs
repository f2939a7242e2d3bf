//! Local search: subtrees move at random, and stay there when the tree becomes cheaper, or, while it is hot,
//! not much dearer (simulated annealing; Kirkpatrick and others, 1983).

use rand::{Rng, RngExt};

use super::network::NodeIndex;
use super::workshop::Workshop;

/// How many parents are considered for a node.
const CANDIDATES_MAX: usize = 16;

/// The last part of the moves is made cold.
const COLD_SHARE: f32 = 0.15;

/// How often the one that makes room goes where the other came from; else it goes to the best free place.
const EXCHANGE_SHARE: f64 = 0.4;

/// How long to search, and how boldly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Moves to try.
    pub(super) moves: usize,
    /// How much dearer a move may be at first, on average, in ms of price.
    pub(super) heat_ms: f32,
    /// What a move must save when it is cold, in ms of price: each one costs a subscription.
    pub(super) gain_ms: f32,
}

impl Effort {
    /// How much dearer the next move may be.
    fn allowed_ms(&self, step: usize, rng: &mut impl Rng) -> f32 {
        let left = (1.0 - COLD_SHARE - step as f32 / self.moves as f32).max(0.0);
        if left == 0.0 || self.heat_ms <= 0.0 {
            return -self.gain_ms;
        }
        -self.heat_ms * left * left * rng.random::<f32>().max(f32::MIN_POSITIVE).ln()
    }
}

impl Workshop<'_> {
    /// Tries moves. Without heat the tree is never dearer afterwards.
    pub(super) fn search(&mut self, effort: Effort, rng: &mut impl Rng) {
        let nodes: Vec<NodeIndex> = self.feed.links().map(|(_, child)| child).collect();
        let candidates = self.candidates(&nodes);
        for step in 0..effort.moves {
            let Some(node) = pick(&nodes, rng) else { return };
            let Some(to) = pick_early(&candidates[node.at()], rng) else { continue };
            let allowed = effort.allowed_ms(step, rng);
            if self.feed.parent(node) == Some(to) || self.feed.is_within(to, node) {
                continue;
            }
            if self.slots.has_room(self.feed, to) {
                self.try_move(node, to, allowed);
            } else {
                self.try_exchange(node, to, &candidates, allowed, rng);
            }
        }
    }

    /// Moves a subtree below a parent that has room, if it fits and is not dearer than allowed.
    fn try_move(&mut self, node: NodeIndex, to: NodeIndex, allowed: f32) -> bool {
        let cheap = self.dearer(node, to).is_some_and(|dearer| dearer < allowed);
        if cheap && self.fits(node, to) {
            self.relocate(node, to);
            return true;
        }
        false
    }

    /// A full parent gives one child away for another.
    fn try_exchange(
        &mut self,
        node: NodeIndex,
        to: NodeIndex,
        candidates: &[Vec<NodeIndex>],
        allowed: f32,
        rng: &mut impl Rng,
    ) {
        let Some(other) = pick(self.feed.children(to), rng) else { return };
        let (Some(dearer), true) = (self.dearer(node, to), self.is_shallow(node, to)) else {
            return;
        };
        let elsewhere = if rng.random_bool(EXCHANGE_SHARE) {
            self.feed.parent(node)
        } else {
            self.free_place(other, &candidates[other.at()])
        };
        let Some(elsewhere) = elsewhere.filter(|elsewhere| *elsewhere != to) else { return };
        // The first half is done to judge the second, and undone when that fails.
        let Some(from) = self.relocate(node, to) else { return };
        if !self.try_move(other, elsewhere, allowed - dearer) {
            self.relocate(node, from);
        }
    }

    fn free_place(&self, node: NodeIndex, candidates: &[NodeIndex]) -> Option<NodeIndex> {
        let delay = |to: NodeIndex| self.feed.delay_ms(to) + self.network.delay_ms(to, node);
        let free = candidates.iter().copied().filter(|to| self.slots.has_room(self.feed, *to));
        free.min_by(|a, b| delay(*a).total_cmp(&delay(*b)))
    }

    /// For each node the parents that promise most: those on the shortest ways to it from the root.
    fn candidates(&self, nodes: &[NodeIndex]) -> Vec<Vec<NodeIndex>> {
        let mut candidates = vec![Vec::new(); self.network.len()];
        let ways = self.shortest_ways_ms();
        let relays: Vec<NodeIndex> = self.relays().collect();
        let mut scored: Vec<(f32, NodeIndex)> = Vec::new();
        for node in nodes {
            scored.clear();
            let others = relays.iter().filter(|relay| *relay != node);
            scored
                .extend(others.map(|relay| {
                    (ways[relay.at()] + self.network.delay_ms(*relay, *node), *relay)
                }));
            if scored.len() > CANDIDATES_MAX {
                scored.select_nth_unstable_by(CANDIDATES_MAX, |a, b| a.0.total_cmp(&b.0));
                scored.truncate(CANDIDATES_MAX);
            }
            scored.sort_by(|a, b| a.0.total_cmp(&b.0));
            candidates[node.at()] = scored.iter().map(|(_, relay)| *relay).collect();
        }
        candidates
    }

    /// The root and all who are in the tree and may relay.
    fn relays(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let placed = self.network.indices().filter(|node| self.feed.is_placed(*node));
        placed.filter(|node| self.slots.may_relay(*node))
    }

    /// From the root to each node over any relays, however many children these would have (Dijkstra).
    fn shortest_ways_ms(&self) -> Vec<f32> {
        let mut ways = self.network.delays_from(self.feed.root).to_vec();
        let mut open: Vec<NodeIndex> = self.relays().collect();
        let nearest = |open: &[NodeIndex], ways: &[f32]| {
            let at = |at: &usize| ways[open[*at].at()];
            (0..open.len()).min_by(|a, b| at(a).total_cmp(&at(b)))
        };
        while let Some(next) = nearest(&open, &ways) {
            let relay = open.swap_remove(next);
            let so_far = ways[relay.at()];
            for (way, link) in ways.iter_mut().zip(self.network.delays_from(relay)) {
                *way = way.min(so_far + link);
            }
        }
        ways
    }
}

fn pick(nodes: &[NodeIndex], rng: &mut impl Rng) -> Option<NodeIndex> {
    if nodes.is_empty() { None } else { Some(nodes[rng.random_range(0..nodes.len())]) }
}

/// Any of them, the first ones more often.
fn pick_early(nodes: &[NodeIndex], rng: &mut impl Rng) -> Option<NodeIndex> {
    let share = rng.random::<f32>();
    let at = share * share * nodes.len() as f32;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the length")]
    nodes.get(at as usize).copied()
}
