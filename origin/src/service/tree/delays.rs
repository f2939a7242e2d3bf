//! Delays of one hop between all nodes, kept so that planning a room looks nothing up in the book.

use std::collections::BTreeMap;

use stoa_protocol::ids::NodeId;

use crate::tree::NODES_MAX;

/// Names a node of these tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) struct Row(usize);

/// Delays of one hop between all nodes, in ms, one way.
#[derive(Debug, Default)]
pub(super) struct Delays {
    rows: BTreeMap<NodeId, Row>,
    table: Vec<Vec<f32>>,
    free: Vec<Row>,
}

impl Delays {
    /// A node is there, or is looked at anew; `delay` says how far it is from another. Nothing happens where there are
    /// as many as a plan takes.
    pub(super) fn measure(&mut self, node: &NodeId, delay: impl Fn(&NodeId) -> f32) {
        let Some(row) = self.row_of(node) else { return };
        for (other, at) in &self.rows {
            let delay_ms = if other == node { 0.0 } else { delay(other) };
            for (from, to) in [(row, *at), (*at, row)] {
                if let Some(cell) = self.table.get_mut(from.0).and_then(|row| row.get_mut(to.0)) {
                    *cell = delay_ms;
                }
            }
        }
    }

    /// What two nodes were measured to be apart.
    pub(super) fn set(&mut self, a: &NodeId, b: &NodeId, delay_ms: f32) {
        let (Some(a), Some(b)) = (self.rows.get(a), self.rows.get(b)) else { return };
        for (from, to) in [(a, b), (b, a)] {
            if let Some(cell) = self.table.get_mut(from.0).and_then(|row| row.get_mut(to.0)) {
                *cell = delay_ms;
            }
        }
    }

    /// A node is gone; its row is another's soon.
    pub(super) fn forget(&mut self, node: &NodeId) {
        self.free.extend(self.rows.remove(node));
    }

    pub(super) fn find(&self, node: &NodeId) -> Option<Row> {
        self.rows.get(node).copied()
    }

    pub(super) fn between(&self, from: Row, to: Row) -> Option<f32> {
        self.table.get(from.0)?.get(to.0).copied()
    }

    fn row_of(&mut self, node: &NodeId) -> Option<Row> {
        if let Some(row) = self.rows.get(node) {
            return Some(*row);
        }
        let row = match self.free.pop() {
            Some(row) => row,
            None if self.table.len() >= NODES_MAX => return None,
            None => {
                let count = self.table.len() + 1;
                self.table.iter_mut().for_each(|row| row.push(0.0));
                self.table.push(vec![0.0; count]);
                Row(count - 1)
            }
        };
        self.rows.insert(node.clone(), row);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn between(delays: &Delays, a: &str, b: &str) -> Option<f32> {
        delays.between(delays.find(&node(a))?, delays.find(&node(b))?)
    }

    #[test]
    fn both_directions_are_known_and_a_row_is_used_again() {
        let mut delays = Delays::default();
        delays.measure(&node("a"), |_| 1.0);
        delays.measure(&node("b"), |_| 2.0);
        delays.measure(&node("c"), |_| 3.0);
        assert_eq!(between(&delays, "a", "b"), Some(2.0));
        assert_eq!(between(&delays, "c", "a"), Some(3.0));
        delays.set(&node("a"), &node("c"), 4.0);
        assert_eq!(between(&delays, "c", "a"), Some(4.0));
        delays.forget(&node("b"));
        assert_eq!(between(&delays, "a", "b"), None);
        delays.measure(&node("d"), |_| 5.0);
        assert_eq!(delays.table.len(), 3);
        assert_eq!(between(&delays, "d", "c"), Some(5.0));
        assert_eq!(between(&delays, "d", "d"), Some(0.0));
    }

    #[test]
    fn more_nodes_than_a_plan_takes_are_not_kept() {
        let mut delays = Delays::default();
        for index in 0..NODES_MAX + 5 {
            delays.rows.clear();
            delays.measure(&node(&format!("n-{index}")), |_| 1.0);
        }
        assert_eq!(delays.table.len(), NODES_MAX);
    }
}
