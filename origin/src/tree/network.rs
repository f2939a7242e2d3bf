//! The graph that trees are planned on: what each node may carry, and the delay between every two.

use std::fmt;

/// Most nodes of a network: delays are a square of this.
pub const NODES_MAX: usize = 1_024;

/// A path is never taken to be longer, in ms.
pub const DELAY_MS_MAX: f32 = 10_000.0;

/// From this load on a node relays for nobody new, in permille.
pub const RELAY_LOAD_PERMILLE_MAX: u16 = 900;

/// A node with fewer slots keeps none in reserve: a tree of them would become too deep.
const SLOTS_FOR_RESERVE_MIN: u16 = 3;

/// A node's place in a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

impl NodeIndex {
    /// For slices.
    #[must_use]
    pub fn at(self) -> usize {
        usize::from(self.0)
    }

    /// All of them, ascending.
    pub fn all(count: usize) -> impl Iterator<Item = Self> {
        (0..u16::try_from(count).unwrap_or(u16::MAX)).map(Self)
    }
}

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// What a node may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Children at most, of both feeds together; what other rooms use is taken off already.
    pub fan_out_max: u16,
    /// What it may send for this room, in kbit/s.
    pub egress_kbps: u32,
    /// Nodes of the same domain may fail together: a provider's region, a country.
    pub failure_domain: u32,
    /// Whether it is there at all.
    pub is_up: bool,
    /// Whether it may carry frames for others.
    pub may_relay: bool,
    /// Share of its capacity in use.
    pub load_permille: u16,
}

impl Default for Node {
    /// Eight children, as much as they need, a domain that it shares with everybody.
    fn default() -> Self {
        Self {
            fan_out_max: 8,
            egress_kbps: u32::MAX,
            failure_domain: 0,
            is_up: true,
            may_relay: true,
            load_permille: 0,
        }
    }
}

/// Nodes, and one-way delays between them.
#[derive(Clone, Debug)]
pub struct Network {
    nodes: Vec<Node>,
    /// Row by row, from parent to child.
    delays_ms: Vec<f32>,
}

impl Network {
    /// With one-way delays in ms from the first node to the second; what a hop takes besides the path is
    /// added by the caller. Nodes beyond [`NODES_MAX`] are left out.
    #[must_use]
    pub fn new(mut nodes: Vec<Node>, delay_ms: impl Fn(NodeIndex, NodeIndex) -> f32) -> Self {
        nodes.truncate(NODES_MAX);
        let count = nodes.len();
        let mut delays_ms = Vec::with_capacity(count * count);
        for from in NodeIndex::all(count) {
            for to in NodeIndex::all(count) {
                delays_ms.push(if from == to { 0.0 } else { sane(delay_ms(from, to)) });
            }
        }
        Self { nodes, delays_ms }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every index, ascending.
    pub fn indices(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        NodeIndex::all(self.nodes.len())
    }

    /// What a node may carry.
    ///
    /// # Panics
    /// When the index is none of this network.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.at()]
    }

    /// The same, to be changed; plans made before are brought in line by [`super::Planner::mend`].
    ///
    /// # Panics
    /// When the index is none of this network.
    pub fn node_mut(&mut self, index: NodeIndex) -> &mut Node {
        &mut self.nodes[index.at()]
    }

    /// One-way delay in ms.
    ///
    /// # Panics
    /// When an index is none of this network.
    #[must_use]
    pub fn delay_ms(&self, from: NodeIndex, to: NodeIndex) -> f32 {
        self.delays_ms[from.at() * self.nodes.len() + to.at()]
    }

    /// The delays from a node to all.
    pub(super) fn delays_from(&self, from: NodeIndex) -> &[f32] {
        let count = self.nodes.len();
        &self.delays_ms[from.at() * count..][..count]
    }

    /// A path has been measured anew, in ms one way.
    ///
    /// # Panics
    /// When an index is none of this network.
    pub fn set_delay_ms(&mut self, from: NodeIndex, to: NodeIndex, delay_ms: f32) {
        if from != to {
            let count = self.nodes.len();
            self.delays_ms[from.at() * count + to.at()] = sane(delay_ms);
        }
    }

    /// Children that a node may ever have, of both feeds together, when each costs `feed_kbps`.
    #[must_use]
    pub fn slots(&self, index: NodeIndex, feed_kbps: u32) -> u16 {
        let node = self.node(index);
        if !node.is_up || !node.may_relay || node.load_permille >= RELAY_LOAD_PERMILLE_MAX {
            return 0;
        }
        let paid = node.egress_kbps / feed_kbps.max(1);
        node.fan_out_max.min(u16::try_from(paid).unwrap_or(u16::MAX))
    }

    /// Children that are planned: one slot is kept for a child whose parent dies.
    #[must_use]
    pub fn planned_slots(&self, index: NodeIndex, feed_kbps: u32) -> u16 {
        let slots = self.slots(index, feed_kbps);
        if slots < SLOTS_FOR_RESERVE_MIN { slots } else { slots - 1 }
    }
}

/// What a measurement must not break: no path is negative, endless or not a number.
fn sane(delay_ms: f32) -> f32 {
    if delay_ms.is_nan() { DELAY_MS_MAX } else { delay_ms.clamp(0.0, DELAY_MS_MAX) }
}
