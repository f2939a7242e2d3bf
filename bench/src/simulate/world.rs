//! Everything, and the order in which it happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_audio::frame::Frame;
use stoa_geo::places::Place;
use stoa_link::LinkId;
use stoa_origin::room::Start;
use stoa_origin::service::{self, Limits, Service};
use stoa_origin::store::{Answer, Kept, Operation, StoreError};
use stoa_protocol::ids::{NodeId, Region};

use super::account::Account;
use super::faults::Fault;
use super::node::{Core, Node, hub};
use super::paths::Paths;
use super::people::People;
use super::shelf::Shelf;
use super::stages::Stages;
use super::wire::{Packet, STREAM_SPACING, Wire, params};

/// How long a lease holds, seen from its holder.
pub(super) const LEASE: Duration = Duration::from_millis(1_700);

/// How often keepers of leases have news.
pub(super) const TIDINGS_INTERVAL: Duration = Duration::from_millis(500);

/// How long a node waits before it dials again.
const REDIAL: Duration = Duration::from_millis(500);

/// How often links are looked at: round-trip times, and who should be dialled.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// Milliseconds since 1970 at the start of every run.
const UNIX_MS: u64 = 1_800_000_000_000;

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
    shelf: Shelf,
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
            stages: Stages::default(),
            people: People::default(),
            store_is_up: true,
            plan: Vec::new(),
            queue: BTreeMap::new(),
            shelf: Shelf::new()?,
            next: 0,
            seed,
        })
    }

    /// Another origin.
    pub(super) fn add_origin(&mut self, place: &'static Place) -> Result<usize> {
        let index = self.nodes.len();
        let name = format!("origin-{index}");
        let service = self.service(&name, place)?;
        let seed = self.seed.wrapping_add(index as u64);
        self.nodes.push(Node::new(&name, place, Core::Origin(Box::new(service)), seed)?);
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
        self.nodes.push(Node::new(&name, place, Core::Edge(Box::new(hub), registry), seed)?);
        self.paths.add(place);
        self.dial_everybody(index);
        Ok(index)
    }

    fn service(&self, name: &str, place: &Place) -> Result<Service> {
        let gone = u64::try_from((self.now - self.start).as_millis()).unwrap_or(u64::MAX);
        let start = Start { now: self.now, unix_ms: UNIX_MS + gone };
        let rng = StdRng::seed_from_u64(self.seed ^ self.nodes.len() as u64);
        let mut service = Service::new(NodeId::new(name)?, Limits::default(), rng, start);
        service.share(place.code, self.now + LEASE);
        service.locate(&Region::new(place.code)?, self.now);
        for record in self.shelf.all() {
            service.restore(&Kept::bare(record), self.now);
        }
        Ok(service)
    }

    /// A node that has died starts again, and knows nothing but what its store knows.
    pub(super) fn restart(&mut self, index: usize) -> Result<()> {
        let Some(node) = self.nodes.get(index) else { return Ok(()) };
        let (name, place) = (node.identity.node.as_str().to_owned(), node.place);
        let core = if node.is_origin() {
            Core::Origin(Box::new(self.service(&name, place)?))
        } else {
            let (hub, registry) = hub(&format!("{name}:1"), place)?;
            Core::Edge(Box::new(hub), registry)
        };
        if let Some(node) = self.nodes.get_mut(index) {
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
        self.wires.push(Wire::new(ends, self.now));
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
            use stoa_protocol::mesh::peer::Command;
            match command {
                Command::SendDatagram(bytes) => {
                    if let Some(delay) = self.paths.datagram(from, to) {
                        let packet = Packet::Datagram(bytes);
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
        let Some(due) = one.peer.poll_timeout().map(|due| due.max(self.now)) else { return };
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
        let Some(due) = due.map(|due| due.max(self.now)) else { return };
        if node.wakes_at.is_none_or(|at| due < at) {
            node.wakes_at = Some(due);
            self.at(due, Happening::Wakes(index));
        }
    }

    /// Sends a frame over a link of a node.
    pub(super) fn send_frame(&mut self, node: usize, link: LinkId, frame: &Frame) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        self.wires[wire].ends[end].peer.send_frame(frame, self.now);
        self.pump(wire, end);
    }

    /// The same, without waiting for company.
    pub(super) fn send_frame_at_once(&mut self, node: usize, link: LinkId, frame: &Frame) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        self.wires[wire].ends[end].peer.send_frame(frame, self.now);
        self.wires[wire].ends[end].peer.flush(self.now);
        self.pump(wire, end);
    }

    pub(super) fn bind(&mut self, node: usize, link: LinkId, binding: stoa_link::TrackBinding) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        // As on a real link: what a link cannot take is counted there.
        let _ = self.wires[wire].ends[end].peer.bind(params(binding), self.now);
        self.pump(wire, end);
    }

    pub(super) fn unbind(&mut self, node: usize, link: LinkId, track: stoa_audio::frame::TrackId) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        let _ = self.wires[wire].ends[end].peer.unbind(track, self.now);
        self.pump(wire, end);
    }

    pub(super) fn say(
        &mut self,
        node: usize,
        link: LinkId,
        body: stoa_protocol::mesh::control::Body,
    ) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        let _ = self.wires[wire].ends[end].peer.send_control(body);
        self.pump(wire, end);
    }

    /// Gives the store what an origin has to write.
    pub(super) fn write_down(&mut self, index: usize) {
        if let Some(service) = self.nodes[index].service() {
            let owed: Vec<Operation> = std::iter::from_fn(|| service.next_write()).collect();
            self.nodes[index].journal.extend(owed);
        }
        if !self.store_is_up {
            return;
        }
        let operations = std::mem::take(&mut self.nodes[index].journal);
        for operation in operations {
            let outcome = self.shelf.apply(operation.clone()).map(|_: Answer| ());
            let now = self.now;
            let Some(service) = self.nodes[index].service() else { return };
            if operation.opens() {
                service.handle_opened(&operation, &outcome, now);
            } else if let (Err(StoreError::Fenced { .. }), Some(room)) = (outcome, operation.room())
            {
                service.handle_fenced(room.clone());
            }
        }
    }

    /// Reads what an origin wants to know of the store.
    pub(super) fn look_up(&mut self, index: usize, command: &service::Command) {
        if !self.store_is_up {
            return;
        }
        let now = self.now;
        match command {
            service::Command::Load { room } => {
                let kept = self.shelf.kept(room);
                if let Some(service) = self.nodes[index].service() {
                    service.handle_loaded(room, kept, now);
                }
            }
            service::Command::Verify { room } => {
                let record = self.shelf.record(room);
                if let Some(service) = self.nodes[index].service() {
                    service.handle_record(room, record.as_ref(), now);
                }
            }
            _ => {}
        }
    }
}
