//! Links between nodes: how they come and end, and what goes over them.

use std::time::Duration;

use stoa_audio::frame::{Frame, TrackId};
use stoa_link::LinkId;
use stoa_protocol::mesh::control::Body;
use stoa_protocol::mesh::peer::{Command, Peer, PeerError};

use super::wire::{Packet, STREAM_SPACING, Wire, params};
use super::world::{Happening, World};

/// How long a node waits before it dials again.
const REDIAL: Duration = Duration::from_millis(500);

impl World {
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

    /// The same, without waiting for company.
    pub(super) fn send_frame_at_once(&mut self, node: usize, link: LinkId, frame: &Frame) {
        let Some((wire, end)) = self.nodes[node].links.get(&link).copied() else { return };
        let now = self.local(node);
        self.wires[wire].ends[end].peer.send_frame(frame, now);
        self.wires[wire].ends[end].peer.flush(now);
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
