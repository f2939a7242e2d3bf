//! An origin or an edge, alive or not, with what waits for it while it is frozen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use anyhow::Result;
use prometheus::Registry;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_edge::rooms::{Hub, Limits, RoomsMetrics, Ticket};
use stoa_geo::places::Place;
use stoa_link::{LinkId, PeerName};
use stoa_origin::service::{Moved, Service};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_protocol::mesh::control::Relay;
use stoa_protocol::mesh::identity::Identity;

use super::clock::Clock;
use super::keeping::{Held, Written};
use super::wire::Packet;

/// Edges that an edge of the simulation passes a room on to.
pub(super) const FAN_OUT_MAX: u32 = 4;

/// What a node is.
pub(super) enum Core {
    Origin(Box<Service>),
    Edge(Box<Hub>, Registry),
}

/// A node.
pub(super) struct Node {
    pub(super) identity: Identity,
    pub(super) place: &'static Place,
    pub(super) core: Core,
    pub(super) alive: bool,
    pub(super) frozen: bool,
    /// What came while it was frozen: wire, end, packet.
    pub(super) waiting: VecDeque<(usize, usize, Packet)>,
    /// Its links: the wire and the end of each.
    pub(super) links: BTreeMap<LinkId, (usize, usize)>,
    /// Edges that it was told to dial.
    pub(super) dials: BTreeSet<usize>,
    /// Writes that its store has not answered, by their promises; whether it is about to.
    pub(super) journal: VecDeque<Written>,
    pub(super) writes: bool,
    /// Writes that it has, and whether it took them.
    pub(super) settled: BTreeMap<u64, bool>,
    /// Answers that wait for them; whether somebody looks after them.
    pub(super) held: Vec<Held>,
    pub(super) answers: bool,
    /// Until when its lease holds by the store's clock, and whether it was over in between.
    pub(super) leased_until: Option<Instant>,
    pub(super) lease_lost: bool,
    /// Whether it is to leave.
    pub(super) drains: bool,
    pub(super) clock: Clock,
    pub(super) rng: StdRng,
    pub(super) tickets: u64,
    /// The deadline that is in the queue.
    pub(super) wakes_at: Option<Instant>,
}

impl Node {
    pub(super) fn new(
        name: &str,
        place: &'static Place,
        core: Core,
        seed: u64,
        now: Instant,
    ) -> Result<Self> {
        let role = match core {
            Core::Origin(_) => NodeRole::Origin,
            Core::Edge(..) => NodeRole::Edge,
        };
        let (region, node) = (Region::new(place.code)?, NodeId::new(name)?);
        Ok(Self {
            identity: Identity { role, region, node },
            place,
            core,
            alive: true,
            frozen: false,
            waiting: VecDeque::new(),
            links: BTreeMap::new(),
            dials: BTreeSet::new(),
            journal: VecDeque::new(),
            writes: false,
            settled: BTreeMap::new(),
            held: Vec::new(),
            answers: false,
            leased_until: None,
            lease_lost: false,
            drains: false,
            clock: Clock::new(now),
            rng: StdRng::seed_from_u64(seed),
            tickets: 0,
            wakes_at: None,
        })
    }

    pub(super) fn peer_name(&self) -> PeerName {
        let Identity { role, region, node } = self.identity.clone();
        PeerName { node, role, region }
    }

    /// It has died: all that it knew is gone.
    pub(super) fn forget_everything(&mut self) {
        self.waiting.clear();
        self.journal.clear();
        self.settled.clear();
        self.held.clear();
        self.dials.clear();
        self.links.clear();
        self.drains = false;
        self.wakes_at = None;
    }

    pub(super) fn is_origin(&self) -> bool {
        matches!(self.core, Core::Origin(_))
    }

    pub(super) fn runs(&self) -> bool {
        self.alive && !self.frozen
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn hub(&mut self) -> Option<&mut Hub> {
        match &mut self.core {
            Core::Edge(hub, _) => Some(hub),
            Core::Origin(_) => None,
        }
    }

    /// What it counts, for people.
    pub(super) fn notes(&self) -> String {
        match &self.core {
            Core::Origin(service) => format!(
                "{} rooms, {:?}, {:?}, {:?}",
                service.rooms_len(),
                service.network_sizes(),
                service.network_counts(),
                service.counts()
            ),
            Core::Edge(_, registry) => {
                let mut notes = Vec::new();
                for family in registry.gather() {
                    for metric in family.get_metric() {
                        let value =
                            metric.get_counter().get_value() + metric.get_gauge().get_value();
                        if value != 0.0 {
                            let labels: Vec<&str> =
                                metric.get_label().iter().map(|l| l.value()).collect();
                            let name = family.name().trim_start_matches("stoa_edge_").to_owned();
                            notes.push(format!("{name}{labels:?}={value}"));
                        }
                    }
                }
                notes.join(" ")
            }
        }
    }

    /// How many rooms it has handed over to better origins.
    pub(super) fn moved(&self) -> u64 {
        match &self.core {
            Core::Origin(service) => {
                service.network_counts().moved.get(&Moved::Nearer).copied().unwrap_or(0)
            }
            Core::Edge(..) => 0,
        }
    }

    pub(super) fn service(&mut self) -> Option<&mut Service> {
        match &mut self.core {
            Core::Origin(service) => Some(service),
            Core::Edge(..) => None,
        }
    }
}

/// A hub of an edge at this address.
pub(super) fn hub(address: &str, place: &Place) -> Result<(Hub, Registry)> {
    let registry = Registry::new();
    let metrics = RoomsMetrics::new(&registry)?;
    let mut hub = Hub::new(Limits { participants_max: 1_000, rooms_max: 100 }, metrics);
    hub.offer(Relay {
        address: address.to_owned(),
        fan_out_max: FAN_OUT_MAX,
        latitude: Some(place.coordinates.latitude()),
        longitude: Some(place.coordinates.longitude()),
        ..Relay::default()
    });
    Ok((hub, registry))
}
