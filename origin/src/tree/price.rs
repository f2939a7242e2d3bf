//! What a tree costs: the delay of its members, detours that show, and the length of its links, all in ms.

use super::feed::Feed;
use super::network::{Network, NodeIndex};

/// Paths shorter than this are taken for as long, in ms: a detour of half a millisecond is none.
const DIRECT_MS_MIN: f32 = 0.5;

/// What a plan is to be good at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knobs {
    /// How a tree grows: 1 along shortest paths (Dijkstra), 0 along shortest links (Prim), and between them
    /// the trade-off of Alpert and others, "Prim-Dijkstra Tradeoffs" (1995).
    pub delay_share: f32,
    /// What a millisecond of link costs, in milliseconds of one member's delay.
    pub link_cost: f32,
    /// A path may be this many times as long as the direct one before it costs more than its delay.
    pub stretch_free: f32,
    /// What each further time costs, in ms.
    pub stretch_ms: f32,
    /// A node without members relays only where it saves this many ms of all members' delays together.
    pub relay_ms: f32,
    /// What it costs when both parents of a node lie in one failure domain, in ms.
    pub shared_domain_ms: f32,
}

impl Knobs {
    /// Every member as near to the root as the slots allow.
    pub const QUICK: Self = Self {
        delay_share: 1.0,
        link_cost: 0.1,
        stretch_free: 1.4,
        stretch_ms: 1_500.0,
        relay_ms: 20.0,
        shared_domain_ms: 100_000.0,
    };

    /// Few long links: each ocean is crossed seldom.
    pub const THRIFTY: Self = Self { delay_share: 0.7, link_cost: 8.0, ..Self::QUICK };
}

/// The knobs, turned into figures of one feed's nodes.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    knobs: Knobs,
    /// 1 for members, 0 for who only relays.
    weights: Vec<f32>,
    /// Delay up to which no stretch is charged.
    free_ms: Vec<f32>,
    /// Price of a millisecond beyond.
    slopes: Vec<f32>,
    /// The other parent's failure domain.
    shunned: Vec<Option<u32>>,
}

impl Prices {
    /// For a feed from `root`; `other` is the feed whose parents should lie in other domains.
    pub(super) fn new(
        network: &Network,
        root: NodeIndex,
        members: &[bool],
        other: Option<&Feed>,
        knobs: Knobs,
    ) -> Self {
        let direct = network.delays_from(root).iter().map(|ms| ms.max(DIRECT_MS_MIN));
        let slope = |(direct, member): (f32, &bool)| {
            if *member { knobs.stretch_ms / direct } else { 0.0 }
        };
        let domain = |node| Some(network.node(other?.parent(node)?).failure_domain);
        Self {
            knobs,
            weights: members.iter().map(|member| f32::from(u8::from(*member))).collect(),
            free_ms: direct.clone().map(|ms| ms * knobs.stretch_free).collect(),
            slopes: direct.zip(members).map(slope).collect(),
            shunned: network.indices().map(domain).collect(),
        }
    }

    /// What it costs that frames reach a node after `delay_ms`.
    pub(super) fn node(&self, node: NodeIndex, delay_ms: f32) -> f32 {
        let at = node.at();
        let beyond = (delay_ms - self.free_ms[at]).max(0.0);
        self.weights[at] * delay_ms + self.slopes[at] * beyond
    }

    /// What a link costs.
    pub(super) fn link(&self, network: &Network, parent: NodeIndex, child: NodeIndex) -> f32 {
        let length = network.delay_ms(parent, child) * self.knobs.link_cost;
        if self.is_shunned(network, parent, child) {
            length + self.knobs.shared_domain_ms
        } else {
            length
        }
    }

    /// Whether the parent of `child` in the other feed may fail together with `parent`.
    pub(super) fn is_shunned(
        &self,
        network: &Network,
        parent: NodeIndex,
        child: NodeIndex,
    ) -> bool {
        self.shunned[child.at()] == Some(network.node(parent).failure_domain)
    }

    /// What a subtree costs more when everything in it gets `later_ms` later (or sooner).
    pub(super) fn shift(&self, feed: &Feed, top: NodeIndex, later_ms: f32) -> f32 {
        let before = feed.delays_ms[top.at()];
        let own = self.node(top, before + later_ms) - self.node(top, before);
        let below = feed.children[top.at()].iter();
        own + below.map(|child| self.shift(feed, *child, later_ms)).sum::<f32>()
    }

    /// What the whole tree costs.
    pub(super) fn total(&self, network: &Network, feed: &Feed) -> f32 {
        let link = |(parent, child)| {
            self.link(network, parent, child) + self.node(child, feed.delays_ms[child.at()])
        };
        feed.links().map(link).sum()
    }
}
