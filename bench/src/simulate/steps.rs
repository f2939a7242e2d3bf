//! One thing after the other: what arrives, what is due, and what nodes owe because of it.

use std::time::Instant;

use stoa_audio::frame::Frame;
use stoa_edge::rooms;
use stoa_link::LinkId;
use stoa_origin::service;
use stoa_protocol::mesh::control::Body;
use stoa_protocol::mesh::peer::Event;

use super::node::Core;
use super::wire::{Packet, binding};
use super::world::{ADAPT_INTERVAL, Happening, REFRESH_INTERVAL, World};

impl World {
    /// Lets the next thing happen.
    pub(super) fn step(&mut self) -> bool {
        let Some(((at, _), what)) = self.queue.pop_first() else { return false };
        self.now = self.now.max(at);
        match what {
            Happening::Arrives { wire, end, packet } => self.arrive(wire, end, packet),
            Happening::Link { wire, end } => self.wake_link(wire, end, at),
            Happening::Wakes(node) => self.wake(node, at),
            Happening::Dials { from, to } => self.dial(from, to),
            Happening::Speak => self.speak(),
            Happening::Tidings => self.tell_tidings(),
            Happening::Refresh => self.refresh(),
            Happening::Found => self.found(),
            Happening::Joins(person) => self.join(person),
            Happening::Fault(index) => self.fault(index),
            Happening::Starts(node) => self.start_again(node),
            Happening::Adapts => self.adapt(),
            Happening::Stores(node) => self.store(node),
            Happening::Reads(node, command) => self.read(node, &command),
            Happening::Answers(node) => self.answer_what_is_kept(node),
            Happening::Bans => self.ban(),
            Happening::ReadsBans => self.read_bans(),
        }
        true
    }

    pub(super) fn arrive(&mut self, wire: usize, end: usize, packet: Packet) {
        let node = self.wires[wire].ends[end].node;
        let gone = self.wires[wire].ends[end].gone;
        if self.wires[wire].closed || gone || !self.nodes[node].alive {
            return;
        }
        if self.nodes[node].frozen {
            self.nodes[node].waiting.push_back((wire, end, packet));
            return;
        }
        let (now, one) = (self.local(node), &mut self.wires[wire].ends[end]);
        match packet {
            Packet::Datagram(bytes) => one.peer.handle_datagram(bytes, now),
            Packet::Control(control) => one.peer.handle_control(*control, now),
            Packet::Closed => return self.close(wire),
        }
        self.follow(wire, end);
    }

    /// An alarm that has been set to an earlier time since means nothing.
    fn wake_link(&mut self, wire: usize, end: usize, at: Instant) {
        let closed = self.wires[wire].closed;
        let now = self.local(self.wires[wire].ends[end].node);
        let one = &mut self.wires[wire].ends[end];
        if one.wakes_at != Some(at) {
            return;
        }
        one.wakes_at = None;
        if closed || one.gone || !self.nodes[one.node].alive {
            return;
        }
        if self.nodes[one.node].frozen {
            return;
        }
        one.peer.handle_timeout(now);
        self.follow(wire, end);
    }

    fn wake(&mut self, node: usize, at: Instant) {
        if self.nodes[node].wakes_at != Some(at) {
            return;
        }
        self.nodes[node].wakes_at = None;
        if !self.nodes[node].runs() {
            return;
        }
        let now = self.local(node);
        match &mut self.nodes[node].core {
            Core::Origin(service) => service.handle_timeout(now),
            Core::Edge(hub, _) => hub.handle_timeout(now),
        }
        self.carry_out(node);
    }

    /// What a peer tells its node.
    fn follow(&mut self, wire: usize, end: usize) {
        self.pump(wire, end);
        let (node, link) = (self.wires[wire].ends[end].node, self.wires[wire].ends[end].link);
        for event in self.wires[wire].ends[end].events() {
            self.tell(node, wire, end, link, event);
        }
        self.pump(wire, end);
    }

    fn tell(&mut self, node: usize, wire: usize, end: usize, link: LinkId, event: Event) {
        let now = self.local(node);
        let other = self.wires[wire].ends[1 - end].node;
        if let Event::Control(body) = &event {
            self.note_copies(node, link, body);
        }
        match event {
            Event::Up { .. } => {
                self.wires[wire].ends[end].told = true;
                let peer = self.nodes[other].peer_name();
                match &mut self.nodes[node].core {
                    Core::Origin(service) => service.handle_up(link, peer, now),
                    Core::Edge(hub, _) => hub.handle_link_up(link, peer, now),
                }
            }
            Event::Control(body) => match &mut self.nodes[node].core {
                Core::Origin(service) => service.handle_control(link, *body, now),
                Core::Edge(hub, _) => hub.handle_control(link, *body, now),
            },
            Event::Bound(params) => match &mut self.nodes[node].core {
                Core::Origin(service) => service.handle_bound(link, &binding(*params), now),
                Core::Edge(hub, _) => hub.handle_bound(link, binding(*params)),
            },
            Event::Unbound(track) => match &mut self.nodes[node].core {
                Core::Origin(service) => service.handle_unbound(link, track, now),
                Core::Edge(hub, _) => hub.handle_unbound(link, track),
            },
            Event::Frame(frame) => return self.pass_on(node, link, &frame),
            Event::Down { .. } => return self.close(wire),
            Event::Suspect | Event::Trusted | Event::Trail { .. } => {}
        }
        self.carry_out(node);
    }

    fn pass_on(&mut self, node: usize, link: LinkId, frame: &Frame) {
        let (now, real) = (self.local(node), self.now);
        match &mut self.nodes[node].core {
            Core::Origin(service) => {
                let route = service.handle_frame(link, frame, now);
                self.carry_out(node);
                let Core::Origin(service) = &self.nodes[node].core else { return };
                let Some(route) = route else { return };
                let children: Vec<LinkId> = service.children(&route).collect();
                for child in children {
                    self.send_frame(node, child, frame);
                }
            }
            Core::Edge(hub, _) => {
                let route = hub.route_from_link(link, frame, now);
                if let Some(delivery) = &route.stage {
                    let frame = (delivery.frame.track, delivery.frame.number);
                    self.stages.hear(node, frame, real);
                }
                if let Some(delivery) = &route.audience {
                    let (track, number) = (delivery.frame.track, delivery.frame.number);
                    self.account.hear(node, track, number, real);
                    if let Some(from) = self.far_end(node, link) {
                        self.look_at_sender(node, from);
                    }
                }
                self.carry_out(node);
                let Core::Edge(hub, _) = &self.nodes[node].core else { return };
                let children: Vec<LinkId> = route
                    .room
                    .map(|room| hub.children(room, frame.track, link).collect())
                    .unwrap_or_default();
                for child in children {
                    self.send_frame(node, child, frame);
                }
            }
        }
    }

    /// A link is over; each end that knew of it is told, and whoever wants one dials again.
    pub(super) fn close(&mut self, wire: usize) {
        if std::mem::replace(&mut self.wires[wire].closed, true) {
            return;
        }
        let now = self.now;
        let nodes = self.wires[wire].ends.each_ref().map(|end| end.node);
        for end in 0..2 {
            let (node, link, told) = {
                let one = &self.wires[wire].ends[end];
                (one.node, one.link, one.told && !one.gone)
            };
            self.nodes[node].links.remove(&link);
            if told && self.nodes[node].alive {
                let now = self.local(node);
                self.forget_copies(node, link);
                match &mut self.nodes[node].core {
                    Core::Origin(service) => service.handle_down(link, now),
                    Core::Edge(hub, _) => hub.handle_link_down(link, now),
                }
                if self.nodes[node].runs() {
                    self.carry_out(node);
                }
            }
        }
        self.at(now, Happening::Dials { from: nodes[0], to: nodes[1] });
        self.at(now, Happening::Dials { from: nodes[1], to: nodes[0] });
    }

    /// Carries out what a node owes.
    pub(super) fn carry_out(&mut self, node: usize) {
        match self.nodes[node].core {
            Core::Origin(_) => self.carry_out_origin(node),
            Core::Edge(..) => self.carry_out_edge(node),
        }
        self.set_node_alarm(node);
    }

    fn carry_out_origin(&mut self, node: usize) {
        let (mut written, mut copied) = (self.write_down(node), Vec::new());
        loop {
            let Some(service) = self.nodes[node].service() else { return };
            while service.next_event().is_some() {}
            let Some(command) = service.next_command() else { return };
            match command {
                service::Command::Send { link, body } if matches!(*body, Body::Response(_)) => {
                    self.hold(node, link, body, &mut written, &mut copied);
                }
                service::Command::Send { link, body } => self.say(node, link, *body),
                service::Command::Replicate { link, number, room, body } => {
                    copied.push(Self::copy(link, number, room));
                    self.say(node, link, *body);
                }
                service::Command::Bind { link, binding } => self.bind(node, link, *binding),
                service::Command::Unbind { link, track } => self.unbind(node, link, track),
                service::Command::BackFill { link, frames } => {
                    frames.iter().for_each(|frame| self.send_frame(node, link, frame));
                }
                service::Command::Close { link, .. } => {
                    if let Some((wire, _)) = self.nodes[node].links.get(&link).copied() {
                        self.close(wire);
                    }
                }
                command => self.look_up(node, command),
            }
        }
    }

    fn carry_out_edge(&mut self, node: usize) {
        while let Some(command) = self.nodes[node].hub().and_then(rooms::Hub::next_command) {
            match command {
                rooms::Command::Send { link, body } => self.say(node, link, *body),
                rooms::Command::Bind { link, binding } => self.bind(node, link, *binding),
                rooms::Command::Unbind { link, track } => self.unbind(node, link, track),
                rooms::Command::Dial { targets } => self.set_dials(node, &targets),
                rooms::Command::BackFill { room, link } => {
                    let now = self.local(node);
                    let Core::Edge(hub, _) = &self.nodes[node].core else { return };
                    let recent: Vec<Frame> = hub.recent(room, now).cloned().collect();
                    for frame in recent {
                        self.send_frame(node, link, &frame);
                    }
                }
                rooms::Command::Answer { ticket, outcome } => self.answer(node, ticket, *outcome),
                _ => {}
            }
        }
    }

    fn set_dials(&mut self, node: usize, targets: &std::collections::BTreeSet<String>) {
        let named = |target: &String| {
            let name = target.strip_suffix(":1")?;
            self.nodes.iter().position(|node| node.identity.node.as_str() == name)
        };
        let dials = targets.iter().filter_map(named).collect();
        let before = std::mem::replace(&mut self.nodes[node].dials, dials);
        for to in self.nodes[node].dials.difference(&before).copied().collect::<Vec<_>>() {
            self.at(self.now, Happening::Dials { from: node, to });
        }
    }

    /// What links do ten times a second.
    fn adapt(&mut self) {
        for wire in 0..self.wires.len() {
            for end in 0..2 {
                let node = self.wires[wire].ends[end].node;
                let now = self.local(node);
                let one = &mut self.wires[wire];
                if !one.closed && !one.ends[end].gone && self.nodes[node].runs() {
                    one.ends[end].peer.adapt_redundancy(now);
                }
            }
        }
        self.at(self.now + ADAPT_INTERVAL, Happening::Adapts);
    }

    /// What shells do once a second.
    fn refresh(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].runs() {
                continue;
            }
            for (link, (wire, end)) in self.nodes[node].links.clone() {
                let statistics = self.wires[wire].ends[end].peer.statistics();
                let rtt = statistics.rtt_min.unwrap_or_default();
                if let Some(hub) = self.nodes[node].hub() {
                    hub.handle_measured(link, rtt, statistics.loss_in_permille);
                }
            }
            self.carry_out(node);
        }
        self.at(self.now + REFRESH_INTERVAL, Happening::Refresh);
    }
}
