//! Everything, and the order in which it happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_geo::places::Place;
use stoa_origin::room::Start;
use stoa_origin::service::{self, Limits, Service};
use stoa_origin::store::LEASE_LIFE;
use stoa_protocol::ids::{NodeId, Region};

use super::account::Account;
use super::deeds::Deeds;
use super::faults::Fault;
use super::keeping::MARGIN;
use super::model::Model;
use super::node::{Core, Node, hub};
use super::paths::Paths;
use super::people::People;
use super::shelf::Shelf;
use super::stages::Stages;
use super::troubles::Troubles;
use super::ways::Ways;
use super::wire::{Packet, Wire};

/// How often keepers of leases have news.
pub(super) const TIDINGS_INTERVAL: Duration = Duration::from_millis(500);

/// How often links are looked at: round-trip times, and who should be dialled.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// How often links follow the loss.
pub(super) const ADAPT_INTERVAL: Duration = Duration::from_millis(100);

/// Milliseconds since 1970 at the start of every run.
const UNIX_MS: i64 = 1_800_000_000_000;

/// What happens at a moment.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// A packet arrives at an end of a wire.
    Arrives { wire: usize, end: usize, packet: Packet },
    /// A peer's deadline.
    Link { wire: usize, end: usize },
    /// A node's deadline.
    Wakes(usize),
    /// A node dials another.
    Dials { from: usize, to: usize },
    /// Everybody who speaks says a frame.
    Speak,
    /// Keepers of leases have news.
    Tidings,
    /// Links are looked at.
    Refresh,
    /// The room is made.
    Found,
    /// Somebody comes.
    Joins(usize),
    /// Something goes wrong, or well again.
    Fault(usize),
    /// A node that has died starts again.
    Starts(usize),
    /// Links follow the loss.
    Adapts,
    /// The store does what an origin has written.
    Stores(usize),
    /// It tells an origin what that wants to know.
    Reads(usize, Box<service::Command>),
    /// It is looked which answers may go.
    Answers(usize),
    /// Somebody is banned.
    Bans,
    /// It is read who was.
    ReadsBans,
}

/// Everything.
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) start: Instant,
    pub(super) nodes: Vec<Node>,
    pub(super) wires: Vec<Wire>,
    pub(super) paths: Paths,
    pub(super) account: Account,
    pub(super) stages: Stages,
    pub(super) people: People,
    pub(super) store_is_up: bool,
    pub(super) plan: Vec<Fault>,
    pub(super) queue: BTreeMap<(Instant, u64), Happening>,
    pub(super) ways: Ways,
    pub(super) model: Model,
    pub(super) troubles: Troubles,
    pub(super) deeds: Deeds,
    /// What links have refused to do, by order and reason.
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) shelf: Shelf,
    pub(super) promises: u64,
    pub(super) rng: StdRng,
    pub(super) next: u64,
    seed: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Result<Self> {
        let now = Instant::now();
        Ok(Self {
            now,
            start: now,
            nodes: Vec::new(),
            wires: Vec::new(),
            paths: Paths::new(seed),
            account: Account::default(),
            stages: Stages::default(),
            people: People::default(),
            store_is_up: true,
            plan: Vec::new(),
            queue: BTreeMap::new(),
            ways: Ways::default(),
            model: Model::default(),
            troubles: Troubles::default(),
            deeds: Deeds::default(),
            refusals: BTreeMap::new(),
            promises: 0,
            rng: StdRng::seed_from_u64(seed ^ 0xdeed_u64),
            shelf: Shelf::new()?,
            next: 0,
            seed,
        })
    }

    /// Another origin.
    pub(super) fn add_origin(&mut self, place: &'static Place) -> Result<usize> {
        let index = self.nodes.len();
        let name = format!("origin-{index}");
        let service = self.service(&name, place, self.now, 0)?;
        let seed = self.seed.wrapping_add(index as u64);
        let core = Core::Origin(Box::new(service));
        let mut node = Node::new(&name, place, core, seed, self.now)?;
        node.leased_until = Some(self.now + LEASE_LIFE);
        self.nodes.push(node);
        self.paths.add(place);
        self.dial_everybody(index);
        Ok(index)
    }

    /// Another edge.
    pub(super) fn add_edge(&mut self, place: &'static Place) -> Result<usize> {
        let index = self.nodes.len();
        let name = format!("edge-{index}");
        let (hub, registry) = hub(&format!("{name}:1"), place)?;
        let seed = self.seed.wrapping_add(index as u64);
        let core = Core::Edge(Box::new(hub), registry);
        self.nodes.push(Node::new(&name, place, core, seed, self.now)?);
        self.paths.add(place);
        self.dial_everybody(index);
        Ok(index)
    }

    fn service(&self, name: &str, place: &Place, now: Instant, ahead_ms: i64) -> Result<Service> {
        let gone = i64::try_from((self.now - self.start).as_millis()).unwrap_or(0);
        let unix_ms = u64::try_from(UNIX_MS + gone + ahead_ms).unwrap_or_default();
        let start = Start { now, unix_ms };
        let rng = StdRng::seed_from_u64(self.seed ^ self.nodes.len() as u64);
        let node = NodeId::new(name)?;
        let mut service = Service::new(node.clone(), Limits::default(), rng, start);
        service.share(place.code, now + LEASE_LIFE - MARGIN);
        service.locate(&Region::new(place.code)?, now);
        for kept in self.shelf.all_for(&node) {
            service.restore(&kept, now);
        }
        Ok(service)
    }

    /// A node that has died starts again, and knows nothing but what its store knows.
    pub(super) fn restart(&mut self, index: usize) -> Result<()> {
        let Some(node) = self.nodes.get(index) else { return Ok(()) };
        let (name, place) = (node.identity.node.as_str().to_owned(), node.place);
        let core = if node.is_origin() {
            let (now, ahead_ms) = (self.local(index), node.clock.wall_ahead_ms);
            Core::Origin(Box::new(self.service(&name, place, now, ahead_ms)?))
        } else {
            let (hub, registry) = hub(&format!("{name}:1"), place)?;
            Core::Edge(Box::new(hub), registry)
        };
        if let Some(node) = self.nodes.get_mut(index) {
            node.leased_until = node.is_origin().then_some(self.now + LEASE_LIFE);
            node.lease_lost = false;
            node.core = core;
            node.alive = true;
            node.frozen = false;
        }
        self.dial_everybody(index);
        Ok(())
    }

    /// Origins are linked to everybody.
    fn dial_everybody(&mut self, index: usize) {
        for other in 0..self.nodes.len() {
            let origins = [index, other].iter().any(|node| self.nodes[*node].is_origin());
            if other != index && origins {
                self.at(self.now, Happening::Dials { from: index, to: other });
            }
        }
    }

    pub(super) fn at(&mut self, when: Instant, what: Happening) {
        self.next += 1;
        self.queue.insert((when, self.next), what);
    }

    pub(super) fn set_node_alarm(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let due = match &node.core {
            Core::Origin(service) => service.poll_timeout(),
            Core::Edge(hub, _) => hub.poll_timeout(),
        };
        let Some(due) = due.map(|due| node.clock.when(due).max(self.now)) else { return };
        if node.wakes_at.is_none_or(|at| due < at) {
            node.wakes_at = Some(due);
            self.at(due, Happening::Wakes(index));
        }
    }

    /// What a node's own clock shows.
    pub(super) fn local(&self, node: usize) -> Instant {
        self.nodes[node].clock.read(self.now)
    }

    pub(super) fn node_named(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.identity.node.as_str() == name)
    }
}
