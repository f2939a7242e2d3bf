//! What goes wrong, drawn from the seed, and when it is well again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::world::{Happening, World};

/// Something goes wrong, or well again.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A node dies without a word.
    Kill(usize),
    /// It starts again, with nothing but what the store knows.
    Restart(usize),
    /// A node stops, and notices nothing.
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// Nothing gets from one node to another, but the other way.
    Cut(usize, usize),
    /// It does again.
    Mend(usize, usize),
    /// Every path loses this share.
    Loss(f64),
    /// A node takes longer for everything.
    Slow(usize),
    /// It does no longer.
    Fast(usize),
    /// An edge is to leave.
    Drain(usize),
    /// It stays after all.
    Undrain(usize),
    /// The store of the origins cannot be reached.
    StoreAway,
    /// It can again.
    StoreBack,
    /// No fault: the room is to have so many feeds.
    Feeds(u32),
}

/// How long an edge has to leave.
const DRAIN: Duration = Duration::from_secs(30);

/// What happens when, from the moment at which everything stands.
pub type Plan = Vec<(Duration, Fault)>;

/// Faults of one run: some of everything, and all of it well again at the end. At most one node at a time is away for
/// each kind, or nobody could go on.
pub(super) fn draw(seed: u64, origins: usize, edges: usize) -> Plan {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x00fa_u64);
    let mut plan = Plan::new();
    let mut at = Duration::from_secs(1);
    let count = rng.random_range(1..=5);
    for _ in 0..count {
        let span = Duration::from_millis(rng.random_range(300..4_000));
        let origin = rng.random_range(0..origins);
        let edge = origins + rng.random_range(0..edges);
        let other = origins + rng.random_range(0..edges);
        let (bad, good) = match rng.random_range(0..9) {
            0 => (Fault::Kill(edge), Fault::Restart(edge)),
            1 => (Fault::Kill(origin), Fault::Restart(origin)),
            2 => (Fault::Freeze(edge), Fault::Thaw(edge)),
            3 => (Fault::Freeze(origin), Fault::Thaw(origin)),
            4 if edge != other => (Fault::Cut(edge, other), Fault::Mend(edge, other)),
            4 | 5 => (Fault::Cut(origin, edge), Fault::Mend(origin, edge)),
            6 => (Fault::Loss(rng.random_range(0.01..0.1)), Fault::Loss(0.0)),
            7 => (Fault::Slow(edge), Fault::Fast(edge)),
            _ => (Fault::StoreAway, Fault::StoreBack),
        };
        plan.push((at, bad));
        plan.push((at + span, good));
        // Some overlap, most do not.
        at += if rng.random_bool(0.2) { span / 2 } else { span + Duration::from_secs(2) };
    }
    plan.sort_by_key(|(at, _)| *at);
    plan
}

impl World {
    /// Carries out a fault of the plan.
    pub(super) fn fault(&mut self, index: usize) {
        let Some(fault) = self.plan.get(index).cloned() else { return };
        match fault {
            Fault::Kill(node) => self.kill(node),
            Fault::Restart(node) => {
                // Nothing of this can fail after it has worked once.
                if self.restart(node).is_ok() {
                    let of = |(_, person): &(usize, &super::people::Person)| person.edge == node;
                    let people: Vec<usize> =
                        self.people.all.iter().enumerate().filter(of).map(|(i, _)| i).collect();
                    for person in people {
                        self.at(self.now + Duration::from_millis(800), Happening::Joins(person));
                    }
                }
            }
            Fault::Freeze(node) => self.nodes[node].frozen = true,
            Fault::Thaw(node) => self.thaw(node),
            Fault::Cut(from, to) => self.paths.cut(from, to),
            Fault::Mend(from, to) => self.paths.mend(from, to),
            Fault::Loss(share) => self.paths.loss = share,
            Fault::Slow(node) => {
                self.paths.slow.insert(node);
            }
            Fault::Fast(node) => {
                self.paths.slow.remove(&node);
            }
            Fault::Feeds(feeds) => self.set_feeds(feeds),
            Fault::Drain(node) => self.drain(node, true),
            Fault::Undrain(node) => self.drain(node, false),
            Fault::StoreAway => self.store_is_up = false,
            Fault::StoreBack => {
                self.store_is_up = true;
                for node in 0..self.nodes.len() {
                    if self.nodes[node].runs() {
                        self.carry_out(node);
                    }
                }
            }
        }
    }

    /// Has an edge leave, or stay after all. Its people stay: it is the other edges that are looked at.
    fn drain(&mut self, node: usize, leaves: bool) {
        let now = self.now;
        let Some(hub) = self.nodes[node].hub() else { return };
        if leaves {
            hub.handle_drain(DRAIN, now);
        } else {
            hub.handle_undrain();
        }
        self.carry_out(node);
    }

    fn kill(&mut self, node: usize) {
        if !std::mem::replace(&mut self.nodes[node].alive, false) {
            return;
        }
        for end in self.wires.iter_mut().flat_map(|wire| &mut wire.ends) {
            end.gone |= end.node == node;
        }
        self.nodes[node].waiting.clear();
        self.nodes[node].journal.clear();
        self.nodes[node].dials.clear();
        self.nodes[node].links.clear();
        self.nodes[node].wakes_at = None;
        self.account.die(node);
        self.stages.die(node);
        self.lose_people(node);
    }

    fn thaw(&mut self, node: usize) {
        if !self.nodes[node].frozen {
            return;
        }
        self.nodes[node].frozen = false;
        for (wire, end, packet) in std::mem::take(&mut self.nodes[node].waiting) {
            self.arrive(wire, end, packet);
        }
        for (wire, end) in self.nodes[node].links.values().copied().collect::<Vec<_>>() {
            self.wires[wire].ends[end].wakes_at = Some(self.now);
            self.at(self.now, Happening::Link { wire, end });
        }
        self.nodes[node].wakes_at = Some(self.now);
        self.at(self.now, Happening::Wakes(node));
    }
}
