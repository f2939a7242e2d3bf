//! Relays that are no members: hired where the members they bring nearer save more than they cost.

use super::network::NodeIndex;
use super::workshop::Workshop;

impl Workshop<'_> {
    /// Hires every idle node that pays, in order of their indices.
    pub(super) fn recruit(&mut self, relay_ms: f32) {
        for guest in self.network.indices() {
            if !self.feed.is_placed(guest) && self.slots.brings(guest) {
                self.hire(guest, relay_ms);
            }
        }
    }

    /// Hangs `guest` up with children that are nearer over it, if they save enough together.
    fn hire(&mut self, guest: NodeIndex, relay_ms: f32) {
        let Some(parent) = self.best_parent(guest) else { return };
        self.hang(guest, parent);
        let mut saved = -self.prices.link(self.network, parent, guest);
        let mut before = Vec::new();
        let mut savings: Vec<(f32, NodeIndex)> = Vec::new();
        for (_, child) in self.feed.links() {
            let dearer = self.dearer(child, guest).unwrap_or(0.0);
            if dearer < 0.0 {
                savings.push((dearer, child));
            }
        }
        savings.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, child) in savings {
            // What was saved by then may have changed with the tree.
            let dearer = self.dearer(child, guest).unwrap_or(0.0);
            if dearer < 0.0 && self.fits(child, guest) {
                before.extend(self.relocate(child, guest).map(|from| (child, from)));
                saved -= dearer;
            }
        }
        if saved < relay_ms {
            for (child, from) in before.into_iter().rev() {
                self.relocate(child, from);
            }
            self.cut(guest);
        }
    }
}
