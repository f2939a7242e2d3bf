//! A plan: the red and the blue feed of one room, who its members are, and what each edge is told.

use super::feed::Feed;
use super::network::NodeIndex;

/// Most links between a root and a node.
pub const DEPTH_MAX: u8 = 8;

/// Where the feeds of a room begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Root of the red feed.
    pub owner: NodeIndex,
    /// Root of the blue feed; without one there is no blue feed.
    pub standby: Option<NodeIndex>,
}

/// What one node is told: whom it gets each feed from, and whom it asks when that one dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parents {
    /// Sends the red feed.
    pub red: Option<NodeIndex>,
    /// Sends the blue feed.
    pub blue: Option<NodeIndex>,
    /// Has a slot for this node in the red feed when `red` dies.
    pub red_backup: Option<NodeIndex>,
    /// Has a slot for this node in the blue feed when `blue` dies.
    pub blue_backup: Option<NodeIndex>,
}

/// Both feeds of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(super) roots: Roots,
    /// What one feed costs a parent per child.
    pub(super) feed_kbps: u32,
    pub(super) members: Vec<bool>,
    pub(super) red: Feed,
    pub(super) blue: Option<Feed>,
}

impl Plan {
    /// Nobody but the roots.
    pub(super) fn new(roots: Roots, count: usize, feed_kbps: u32) -> Self {
        let standby = roots.standby.filter(|standby| *standby != roots.owner);
        Self {
            roots: Roots { standby, ..roots },
            feed_kbps,
            members: vec![false; count],
            red: Feed::new(roots.owner, count),
            blue: standby.map(|standby| Feed::new(standby, count)),
        }
    }

    /// Where the feeds begin.
    #[must_use]
    pub fn roots(&self) -> Roots {
        self.roots
    }

    /// The feed from the owner.
    #[must_use]
    pub fn red(&self) -> &Feed {
        &self.red
    }

    /// The feed from the standby, if there is one.
    #[must_use]
    pub fn blue(&self) -> Option<&Feed> {
        self.blue.as_ref()
    }

    /// What one feed costs a parent per child, in kbit/s.
    #[must_use]
    pub fn feed_kbps(&self) -> u32 {
        self.feed_kbps
    }

    /// Whether `node` wants the room. Roots have it without a feed.
    #[must_use]
    pub fn is_member(&self, node: NodeIndex) -> bool {
        self.members.get(node.at()).copied().unwrap_or(false)
    }

    /// Members that need feeds, ascending.
    pub fn members(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        NodeIndex::all(self.members.len()).filter(|node| self.is_member(*node))
    }

    /// Whether `node` is the owner or the standby.
    #[must_use]
    pub fn is_root(&self, node: NodeIndex) -> bool {
        node == self.roots.owner || self.roots.standby == Some(node)
    }

    /// What `node` is told.
    #[must_use]
    pub fn parents(&self, node: NodeIndex) -> Parents {
        let blue = self.blue.as_ref();
        Parents {
            red: self.red.parent(node),
            blue: blue.and_then(|blue| blue.parent(node)),
            red_backup: self.red.backup(node),
            blue_backup: blue.and_then(|blue| blue.backup(node)),
        }
    }

    /// How many feeds every member has: 2, or 1 where the network is too small, or 0 where not even one
    /// reaches everybody.
    #[must_use]
    pub fn feeds_effective(&self) -> u8 {
        let feeds = |node: NodeIndex| {
            let parents = self.parents(node);
            u8::from(parents.red.is_some()) + u8::from(parents.blue.is_some())
        };
        let most = if self.blue.is_some() { 2 } else { 1 };
        self.members().map(feeds).min().unwrap_or(most)
    }

    /// Nodes that relay without being members.
    pub fn guests(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let placed = |feed: &Feed, node| feed.parent(node).is_some();
        NodeIndex::all(self.members.len()).filter(move |node| {
            let anywhere = placed(&self.red, *node)
                || self.blue.as_ref().is_some_and(|blue| placed(blue, *node));
            anywhere && !self.is_member(*node)
        })
    }
}
