//! One of the two trees of a plan: who hangs below whom, with the delay and depth that follow from it.

use super::network::{Network, NodeIndex};

/// A tree below its root. Nodes that are not in it have no parent and an infinite delay.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    pub(super) root: NodeIndex,
    pub(super) parents: Vec<Option<NodeIndex>>,
    pub(super) backups: Vec<Option<NodeIndex>>,
    pub(super) children: Vec<Vec<NodeIndex>>,
    pub(super) delays_ms: Vec<f32>,
    pub(super) depths: Vec<u8>,
}

impl Feed {
    /// The root alone.
    pub(super) fn new(root: NodeIndex, count: usize) -> Self {
        let mut feed = Self {
            root,
            parents: vec![None; count],
            backups: vec![None; count],
            children: vec![Vec::new(); count],
            delays_ms: vec![f32::INFINITY; count],
            depths: vec![0; count],
        };
        feed.delays_ms[root.at()] = 0.0;
        feed
    }

    /// Where its frames come from.
    #[must_use]
    pub fn root(&self) -> NodeIndex {
        self.root
    }

    /// Who sends this feed to a node; nobody to the root, and to whom is not in the tree.
    #[must_use]
    pub fn parent(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.parents.get(node.at()).copied().flatten()
    }

    /// Whom a node asks when its parent dies: it has a slot for it, and is reached without that parent.
    #[must_use]
    pub fn backup(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.backups.get(node.at()).copied().flatten()
    }

    /// To whom a node sends this feed.
    #[must_use]
    pub fn children(&self, node: NodeIndex) -> &[NodeIndex] {
        self.children.get(node.at()).map_or(&[], Vec::as_slice)
    }

    /// Whether a node gets this feed, or is its root.
    #[must_use]
    pub fn is_placed(&self, node: NodeIndex) -> bool {
        self.delay_ms(node).is_finite()
    }

    /// From the root along the tree, one way in ms; infinite for nodes that are not in it.
    #[must_use]
    pub fn delay_ms(&self, node: NodeIndex) -> f32 {
        self.delays_ms.get(node.at()).copied().unwrap_or(f32::INFINITY)
    }

    /// Links from the root; zero for the root and for nodes that are not in the tree.
    #[must_use]
    pub fn depth(&self, node: NodeIndex) -> u8 {
        self.depths.get(node.at()).copied().unwrap_or(0)
    }

    /// The nodes between the root and `node`, nearest first, and the root.
    pub fn ancestors(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        // A tree that was made elsewhere may hold a cycle; nobody has more ancestors than there are nodes.
        std::iter::successors(self.parent(node), |at| self.parent(*at)).take(self.parents.len())
    }

    /// Whether `node` is `top` or hangs below it.
    #[must_use]
    pub fn is_within(&self, node: NodeIndex, top: NodeIndex) -> bool {
        node == top || self.ancestors(node).any(|ancestor| ancestor == top)
    }

    /// Every link as (parent, child), by child.
    pub fn links(&self) -> impl Iterator<Item = (NodeIndex, NodeIndex)> + '_ {
        let children = NodeIndex::all(self.parents.len());
        children.filter_map(|child| self.parent(child).map(|parent| (parent, child)))
    }

    /// Hangs a subtree below `parent`; `node` has no parent and `parent` is in the tree.
    pub(super) fn attach(&mut self, network: &Network, node: NodeIndex, parent: NodeIndex) {
        self.parents[node.at()] = Some(parent);
        self.children[parent.at()].push(node);
        self.settle(network, node);
    }

    /// Takes a subtree off its parent; it keeps its inner links.
    pub(super) fn detach(&mut self, node: NodeIndex) -> Option<NodeIndex> {
        let parent = self.parents[node.at()].take()?;
        self.children[parent.at()].retain(|child| *child != node);
        Some(parent)
    }

    /// Takes a subtree out of the tree: nothing in it is placed any more. Says where it was.
    pub(super) fn cut(&mut self, node: NodeIndex) -> Option<NodeIndex> {
        let parent = self.detach(node);
        self.lose(node);
        parent
    }

    fn lose(&mut self, node: NodeIndex) {
        self.delays_ms[node.at()] = f32::INFINITY;
        self.depths[node.at()] = 0;
        for at in 0..self.children[node.at()].len() {
            self.lose(self.children[node.at()][at]);
        }
    }

    /// Computes delay and depth of a node and all below it, from its parent's or as the root's.
    pub(super) fn settle(&mut self, network: &Network, node: NodeIndex) {
        if let Some(parent) = self.parents[node.at()] {
            self.delays_ms[node.at()] =
                self.delays_ms[parent.at()] + network.delay_ms(parent, node);
            self.depths[node.at()] = self.depths[parent.at()].saturating_add(1);
        }
        for at in 0..self.children[node.at()].len() {
            self.settle(network, self.children[node.at()][at]);
        }
    }

    /// Links from a node down to the deepest below it.
    pub(super) fn height(&self, node: NodeIndex) -> u8 {
        let below = self.children[node.at()].iter();
        below.map(|child| self.height(*child).saturating_add(1)).max().unwrap_or(0)
    }
}
