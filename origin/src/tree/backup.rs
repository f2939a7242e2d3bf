//! Whom a node asks when its parent dies: chosen in advance, with a slot that is kept for this.

use super::network::NodeIndex;
use super::workshop::Workshop;

impl Workshop<'_> {
    /// Keeps the backups that still hold and chooses others for the rest, where there are any.
    pub(super) fn renew_backups(&mut self) {
        let mut nodes: Vec<NodeIndex> = self.network.indices().collect();
        // The tallest subtrees fit in the fewest places, so they choose first.
        nodes.sort_by_cached_key(|node| std::cmp::Reverse(self.feed.height(*node)));
        for node in nodes {
            let kept = self.feed.backup(node).filter(|backup| self.is_backup(node, *backup));
            self.feed.backups[node.at()] = None;
            let chosen = kept.or_else(|| self.best_backup(node));
            self.feed.backups[node.at()] = chosen;
        }
    }

    fn best_backup(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.feed.parent(node)?;
        let holding = self.network.indices().filter(|other| self.is_backup(node, *other));
        let delay = |to: &NodeIndex| self.feed.delay_ms(*to) + self.network.delay_ms(*to, node);
        holding.min_by(|a, b| delay(a).total_cmp(&delay(b)))
    }

    /// Whether `backup` is in the tree without `node`'s parent, not too deep, and has a slot even if all other
    /// children of that parent that count on it come, too.
    fn is_backup(&self, node: NodeIndex, backup: NodeIndex) -> bool {
        let Some(parent) = self.feed.parent(node) else { return false };
        let siblings = self.feed.children(parent).iter();
        let claims = siblings
            .filter(|sibling| **sibling != node && self.feed.backup(**sibling) == Some(backup));
        // When the root dies there is no tree; its children's backups are for the death of their link.
        let lost = if parent == self.feed.root { node } else { parent };
        let claims = if parent == self.feed.root { 0 } else { claims.count() };
        self.feed.is_placed(backup)
            && backup != parent
            && self.slots.has_reserve(self.feed, backup, claims)
            && self.is_shallow(node, backup)
            && !self.feed.is_within(backup, lost)
    }

    /// Takes a dead node out. Its children go to their backups, as they have done by themselves, or where it is
    /// best.
    pub(super) fn bury(&mut self, dead: NodeIndex) {
        let orphans = self.feed.children(dead).to_vec();
        for orphan in &orphans {
            self.cut(*orphan);
        }
        self.cut(dead);
        self.feed.backups[dead.at()] = None;
        for orphan in orphans {
            let backup = self.feed.backup(orphan).filter(|backup| {
                self.feed.is_placed(*backup)
                    && self.slots.has_reserve(self.feed, *backup, 0)
                    && self.is_shallow(orphan, *backup)
            });
            match backup {
                Some(backup) => self.hang(orphan, backup),
                None => {
                    self.place(orphan);
                }
            }
        }
    }
}
