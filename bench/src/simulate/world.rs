//! Everything, and the order in which it happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_audio::frame::{Frame, TrackId};
use stoa_geo::places::Place;
use stoa_link::LinkId;
use stoa_origin::room::Start;
use stoa_origin::service::{self, Limits, Service};
use stoa_origin::store::LEASE_LIFE;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::Body;
use stoa_protocol::mesh::peer::{Command, Peer, PeerError};

use super::account::Account;
use super::deeds::Deeds;
use super::faults::Fault;
use super::keeping::MARGIN;
use super::model::Model;
use super::node::{Core, Node, hub};
use super::paths::Paths;
use super::people::People;
use super::shelf::Shelf;
use super::troubles::Troubles;
use super::ways::Ways;
use super::wire::{Packet, STREAM_SPACING, Wire, params};

/// How often keepers of leases have news.
pub(super) const TIDINGS_INTERVAL: Duration = Duration::from_millis(500);

/// How long a node waits before it dials again.
const REDIAL: Duration = Duration::from_millis(500);

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
    next: u64,
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

    /// Two nodes link, unless they are linked or cannot hear each other.
    pub(super) fn dial(&mut self, from: usize, to: usize) {
        let wanted = self.nodes[from].alive
            && (self.nodes[from].is_origin()
                || self.nodes[to].is_origin()
                || self.nodes[from].dials.contains(&to));
        if !wanted {
            return;
        }
        self.replace_ended(from, to);
        if self.linked(from, to) {
            return;
        }
        let cut = self.paths.is_cut(from, to) || self.paths.is_cut(to, from);
        if cut || !self.nodes[to].runs() || !self.nodes[from].runs() {
            return self.at(self.now + REDIAL, Happening::Dials { from, to });
        }
        let links = [self.link_id(), self.link_id()];
        let identities = [&self.nodes[from].identity, &self.nodes[to].identity];
        let ends = [(from, identities[0], links[0]), (to, identities[1], links[1])];
        let wire = self.wires.len();
        self.wires.push(Wire::new(ends, [self.local(from), self.local(to)], self.now));
        for (end, node) in [from, to].into_iter().enumerate() {
            self.nodes[node].links.insert(links[end], (wire, end));
            self.pump(wire, end);
        }
    }

    /// A process that has started again takes the place of its predecessor: the newest link counts.
    fn replace_ended(&mut self, a: usize, b: usize) {
        if !self.nodes[a].runs() || !self.nodes[b].runs() {
            return;
        }
        let ended = self.wires.iter().position(|wire| {
            !wire.closed && wire.connects(a, b) && wire.ends.iter().any(|end| end.gone)
        });
        if let Some(wire) = ended {
            self.close(wire);
        }
    }

    pub(super) fn linked(&self, a: usize, b: usize) -> bool {
        self.wires.iter().any(|wire| !wire.closed && wire.connects(a, b))
    }

    fn link_id(&mut self) -> LinkId {
        self.next += 1;
        LinkId(self.next)
    }

    /// Sends what an end of a wire has to send, and sets its alarm.
    pub(super) fn pump(&mut self, wire: usize, end: usize) {
        let Some(one) = self.wires.get_mut(wire) else { return };
        let (from, to) = (one.ends[end].node, one.ends[1 - end].node);
        let commands = one.ends[end].commands();
        for command in commands {
            match command {
                Command::SendDatagram(bytes) => {
                    for delay in self.paths.datagram(from, to) {
                        let packet = Packet::Datagram(bytes.clone());
                        let what = Happening::Arrives { wire, end: 1 - end, packet };
                        self.at(self.now + delay, what);
                    }
                }
                Command::SendControl(control) => {
                    self.stream(wire, end, Packet::Control(control));
                }
                Command::Close { .. } => self.stream(wire, end, Packet::Closed),
            }
        }
        self.set_alarm(wire, end);
    }

    /// Messages of a stream keep their order.
    fn stream(&mut self, wire: usize, end: usize, packet: Packet) {
        let ends = self.wires[wire].ends.each_ref().map(|end| end.node);
        let (from, to) = (ends[end], ends[1 - end]);
        let Some(delay) = self.paths.message(from, to) else { return };
        let other = &mut self.wires[wire].ends[1 - end];
        let when = (self.now + delay).max(other.stream_at + STREAM_SPACING);
        other.stream_at = when;
        self.at(when, Happening::Arrives { wire, end: 1 - end, packet });
    }

    fn set_alarm(&mut self, wire: usize, end: usize) {
        let one = &mut self.wires[wire].ends[end];
        let clock = &self.nodes[one.node].clock;
        let due = one.peer.poll_timeout().map(|due| clock.when(due).max(self.now));
        let Some(due) = due else { return };
        if one.wakes_at.is_none_or(|at| due < at) {
            one.wakes_at = Some(due);
            self.at(due, Happening::Link { wire, end });
        }
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

    /// Who is at the other end of a node's link.
    pub(super) fn far_end(&self, node: usize, link: LinkId) -> Option<usize> {
        let (wire, end) = self.nodes[node].links.get(&link)?;
        Some(self.wires[*wire].ends[1 - end].node)
    }

    /// The same while both run and hear each other.
    pub(super) fn reaches(&self, node: usize, link: LinkId) -> Option<usize> {
        let (wire, end) = self.nodes[node].links.get(&link)?;
        let far = &self.wires[*wire].ends[1 - end];
        // Its process may have died, and another run under its name.
        let other = Some(far.node).filter(|_| !far.gone)?;
        let cut = self.paths.is_cut(node, other) || self.paths.is_cut(other, node);
        (!cut && self.nodes[node].runs() && self.nodes[other].runs()).then_some(other)
    }

    /// Sends a frame over a link of a node.
    pub(super) fn send_frame(&mut self, node: usize, link: LinkId, frame: &Frame) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        let now = self.local(node);
        self.wires[wire].ends[end].peer.send_frame(frame, now);
        self.pump(wire, end);
    }

    pub(super) fn bind(&mut self, node: usize, link: LinkId, binding: stoa_link::TrackBinding) {
        let now = self.local(node);
        self.obey(node, link, "bind", |peer| peer.bind(params(binding), now));
    }

    pub(super) fn unbind(&mut self, node: usize, link: LinkId, track: TrackId) {
        let now = self.local(node);
        self.obey(node, link, "unbind", |peer| peer.unbind(track, now));
    }

    pub(super) fn say(&mut self, node: usize, link: LinkId, body: Body) {
        self.obey(node, link, "send", |peer| peer.send_control(body));
    }

    /// As a link's own loop does it: who takes orders too slowly is cut off, other refusals are told and counted.
    fn obey(
        &mut self,
        node: usize,
        link: LinkId,
        what: &str,
        order: impl FnOnce(&mut Peer) -> Result<(), PeerError>,
    ) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        let obeyed = order(&mut self.wires[wire].ends[end].peer);
        if let Err(error) = obeyed {
            *self.refusals.entry(format!("{what}: {error}")).or_default() += 1;
        }
        self.pump(wire, end);
        if obeyed == Err(PeerError::Congested) {
            self.close(wire);
        }
    }
}
