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
    /// Its machine is suspended: it stops, and so does its clock.
    Suspend(usize),
    /// It goes on.
    Thaw(usize),
    /// Nothing gets from one node to another, but the other way.
    Cut(usize, usize),
    /// It does again.
    Mend(usize, usize),
    /// Every path loses this share.
    Loss(f64),
    /// Every path carries this share twice, the second one later.
    Duplicate(f64),
    /// Each datagram takes longer by up to this many milliseconds, and overtakes others.
    Reorder(u64),
    /// A node takes so many milliseconds longer for everything.
    Slow(usize, u64),
    /// It does no longer.
    Fast(usize),
    /// A node's clock runs faster than real by so many millionths.
    Drift(usize, i32),
    /// A node's wall clock is set ahead by so many milliseconds.
    WallJump(usize, i64),
    /// No fault: an edge is to leave.
    Drain(usize),
    /// No fault: it stays after all.
    Undrain(usize),
    /// The store of the origins cannot be reached.
    StoreAway,
    /// It can again.
    StoreBack,
    /// No fault: the room is to have so many feeds.
    Feeds(u32),
}

impl Fault {
    /// Its name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Restart(_) => "restart",
            Self::Freeze(_) => "freeze",
            Self::Suspend(_) => "suspend",
            Self::Thaw(_) => "thaw",
            Self::Cut(..) => "cut",
            Self::Mend(..) => "mend",
            Self::Loss(_) => "loss",
            Self::Duplicate(_) => "duplicate",
            Self::Reorder(_) => "reorder",
            Self::Slow(..) => "slow",
            Self::Fast(_) => "fast",
            Self::Drift(..) => "drift",
            Self::WallJump(..) => "wall_jump",
            Self::Drain(_) => "drain",
            Self::Undrain(_) => "undrain",
            Self::Feeds(_) => "feeds",
            Self::StoreAway => "store_away",
            Self::StoreBack => "store_back",
        }
    }

    /// Whether anything is wrong because of it. What is only wanted excuses nothing.
    pub(super) fn is_wrong(&self) -> bool {
        !matches!(self, Self::Drain(_) | Self::Undrain(_) | Self::Feeds(_))
    }

    /// Whether it is wrong until another fault ends it.
    pub(super) fn lasts(&self) -> bool {
        match self {
            Self::Loss(share) | Self::Duplicate(share) => *share > 0.0,
            Self::Reorder(ms) => *ms > 0,
            Self::StoreAway => true,
            _ => false,
        }
    }

    /// What of that it ends.
    pub(super) fn ends(&self) -> Option<&'static str> {
        match self {
            Self::Loss(_) | Self::Duplicate(_) | Self::Reorder(_) => Some(self.kind()),
            Self::StoreBack => Some("store_away"),
            _ => None,
        }
    }
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
        let (bad, good, span) = draw_one(&mut rng, (origin, edge), (origins, edges), span);
        plan.push((at, bad));
        plan.extend(good.map(|good| (at + span, good)));
        // Some overlap, most do not.
        at += if rng.random_bool(0.2) { span / 2 } else { span + Duration::from_secs(2) };
    }
    plan.sort_by_key(|(at, _)| *at);
    plan
}

fn draw_one(
    rng: &mut StdRng,
    (origin, edge): (usize, usize),
    (origins, edges): (usize, usize),
    span: Duration,
) -> (Fault, Option<Fault>, Duration) {
    let any = if rng.random_bool(0.5) { origin } else { edge };
    let other = rng.random_range(0..origins + edges);
    // From a blink to longer than anything waits, short ones as often as long ones.
    let cut = Duration::from_millis(20).mul_f64(400_f64.powf(rng.random_range(0.0..1.0)));
    match rng.random_range(0..16) {
        0 | 1 => (Fault::Kill(edge), Some(Fault::Restart(edge)), span),
        2 | 3 => (Fault::Kill(origin), Some(Fault::Restart(origin)), span),
        4 => (Fault::Freeze(any), Some(Fault::Thaw(any)), span),
        5 => (Fault::Suspend(any), Some(Fault::Thaw(any)), span),
        6 if edge != other => (Fault::Cut(edge, other), Some(Fault::Mend(edge, other)), cut),
        6 | 7 => (Fault::Cut(origin, edge), Some(Fault::Mend(origin, edge)), cut),
        8 if origin != other => (Fault::Cut(other, origin), Some(Fault::Mend(other, origin)), cut),
        8 | 9 => (Fault::Loss(rng.random_range(0.01..0.1)), Some(Fault::Loss(0.0)), span),
        10 => (Fault::Duplicate(rng.random_range(0.01..0.5)), Some(Fault::Duplicate(0.0)), span),
        11 => (Fault::Reorder(rng.random_range(2..30)), Some(Fault::Reorder(0)), span),
        12 => (Fault::Slow(any, rng.random_range(5..60)), Some(Fault::Fast(any)), span),
        13 => {
            let ppm = if rng.random_bool(0.5) { 100 } else { -100 };
            (Fault::Drift(any, ppm), None, Duration::ZERO)
        }
        14 => {
            let minutes = rng.random_range(-30..=30_i64);
            (Fault::WallJump(any, minutes * 60_000), None, Duration::ZERO)
        }
        _ => (Fault::StoreAway, Some(Fault::StoreBack), span),
    }
}

impl World {
    /// Carries out a fault of the plan.
    pub(super) fn fault(&mut self, index: usize) {
        let Some(fault) = self.plan.get(index).cloned() else { return };
        self.troubles.note(&fault, self.now);
        let now = self.now;
        match fault {
            Fault::Kill(node) => self.kill(node),
            Fault::Restart(node) => self.start_again(node),
            Fault::Freeze(node) => self.nodes[node].frozen = true,
            Fault::Suspend(node) => {
                self.nodes[node].frozen = true;
                self.nodes[node].clock.stop(now);
            }
            Fault::Thaw(node) => self.thaw(node),
            Fault::Cut(from, to) => self.paths.cut(from, to),
            Fault::Mend(from, to) => self.paths.mend(from, to),
            Fault::Loss(share) => self.paths.loss = share,
            Fault::Duplicate(share) => self.paths.twice = share,
            Fault::Reorder(ms) => self.paths.disorder = Duration::from_millis(ms),
            Fault::Slow(node, ms) => {
                self.paths.slow.insert(node, Duration::from_millis(ms));
            }
            Fault::Fast(node) => {
                self.paths.slow.remove(&node);
            }
            Fault::Drift(node, ppm) => {
                self.nodes[node].clock.run_at(ppm, now);
                self.wake_anew(node);
            }
            Fault::WallJump(node, ms) => self.nodes[node].clock.wall_ahead_ms += ms,
            Fault::Feeds(feeds) => self.set_feeds(feeds),
            Fault::Drain(node) => self.drain(node, true),
            Fault::Undrain(node) => self.drain(node, false),
            Fault::StoreAway => self.store_is_up = false,
            Fault::StoreBack => {
                self.store_is_up = true;
                (0..self.nodes.len()).for_each(|node| self.write_soon(node));
            }
        }
    }

    /// A node that has died starts again. An origin waits until the lease of its former run is over.
    pub(super) fn start_again(&mut self, node: usize) {
        if self.nodes[node].alive {
            return;
        }
        let leased = self.nodes[node].leased_until.is_some_and(|until| until > self.now);
        if self.nodes[node].is_origin() && (leased || !self.store_is_up) {
            return self.at(self.now + LEASE_ASKED_EACH, Happening::Starts(node));
        }
        self.troubles.note(&Fault::Restart(node), self.now);
        // Nothing of this can fail after it has worked once.
        if self.restart(node).is_err() {
            return;
        }
        let people = self.people.all.iter().enumerate();
        let people: Vec<usize> =
            people.filter(|(_, person)| person.edge == node).map(|(index, _)| index).collect();
        for person in people {
            self.at(self.now + Duration::from_millis(800), Happening::Joins(person));
        }
    }

    /// Has an edge leave, or stay after all. Its people stay: it is the other edges that are looked at.
    fn drain(&mut self, node: usize, leaves: bool) {
        let now = self.local(node);
        // Nobody can tell one that does not run.
        if !self.nodes[node].runs() {
            return;
        }
        let Some(hub) = self.nodes[node].hub() else { return };
        if leaves {
            hub.handle_drain(DRAIN, now);
        } else {
            hub.handle_undrain();
        }
        self.nodes[node].drains = leaves;
        self.carry_out(node);
    }

    fn kill(&mut self, node: usize) {
        if !std::mem::replace(&mut self.nodes[node].alive, false) {
            return;
        }
        for end in self.wires.iter_mut().flat_map(|wire| &mut wire.ends) {
            end.gone |= end.node == node;
        }
        self.nodes[node].forget_everything();
        self.account.die(node, self.now);
        self.stages.die(node, self.now);
        self.lose_people(node);
    }

    fn thaw(&mut self, node: usize) {
        if !std::mem::replace(&mut self.nodes[node].frozen, false) {
            return;
        }
        self.nodes[node].clock.go_on(self.now);
        for (wire, end, packet) in std::mem::take(&mut self.nodes[node].waiting) {
            self.arrive(wire, end, packet);
        }
        self.wake_anew(node);
        self.write_soon(node);
    }

    /// Whatever is due is looked at: alarms may be set to other times.
    fn wake_anew(&mut self, node: usize) {
        for (wire, end) in self.nodes[node].links.values().copied().collect::<Vec<_>>() {
            self.wires[wire].ends[end].wakes_at = Some(self.now);
            self.at(self.now, Happening::Link { wire, end });
        }
        self.nodes[node].wakes_at = Some(self.now);
        self.at(self.now, Happening::Wakes(node));
    }
}

/// How often an origin that starts asks for its lease.
const LEASE_ASKED_EACH: Duration = Duration::from_millis(250);
