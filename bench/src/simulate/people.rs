//! Who joins where, and who speaks: one room, a listener at every edge, a few voices.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_edge::rooms::{Newcomer, Order, Reply, Ticket};
use stoa_edge::webrtc::{Downlink, RoomKey, SessionEvent, SessionId, Uplinked};
use stoa_link::LinkId;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Ask, ChangeRoom, CreateRoom, Problem, RoomSettings, WireRole};

use super::node::Core;
use super::world::{Happening, World};

/// The room of every simulation.
pub(super) const ROOM: &str = "agora";

/// How long somebody waits before he tries again.
const AGAIN: Duration = Duration::from_millis(500);

/// How long it takes until who has just come hears everything, and is heard by everybody.
const COMING: Duration = Duration::from_secs(2);

/// How long a frame is.
pub(super) const FRAME: Duration = Duration::from_millis(20);

/// The same in units of 2.5 ms.
const FRAME_UNITS: u64 = 8;

/// Somebody.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) edge: usize,
    pub(super) role: Role,
    waits_for: Option<Ticket>,
    pub(super) seated: Option<(SessionId, RoomKey)>,
    track: Option<TrackId>,
    number: u64,
    /// From when on everybody must hear him.
    heard_from: Option<Instant>,
}

/// Everybody.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) all: Vec<Person>,
    /// Who makes the room: an edge, and its ticket.
    founding: Option<(usize, Ticket)>,
    pub(super) founded: bool,
    sessions: u64,
}

impl World {
    /// Somebody will come once there is a room.
    pub(super) fn invite(&mut self, edge: usize, role: Role) {
        self.people.all.push(Person {
            edge,
            role,
            waits_for: None,
            seated: None,
            track: None,
            number: 0,
            heard_from: None,
        });
    }

    /// The first person's edge makes the room.
    pub(super) fn found(&mut self) {
        let Some(edge) = self.people.all.first().map(|person| person.edge) else { return };
        let room =
            CreateRoom { room: ROOM.to_owned(), name: "Agora".to_owned(), ..CreateRoom::default() };
        let ticket = self.order(edge, Order::Create(room));
        self.people.founding = Some((edge, ticket));
        self.carry_out(edge);
    }

    /// Somebody comes, or tries again.
    pub(super) fn join(&mut self, index: usize) {
        let Some(person) = self.people.all.get(index) else { return };
        let (edge, role) = (person.edge, person.role);
        if !self.nodes[edge].runs() || person.seated.is_some() {
            return;
        }
        let Ok(room) = RoomId::new(ROOM) else { return };
        let newcomer = Newcomer {
            room,
            identity: format!("person-{index}"),
            name: format!("Person {index}"),
            role,
            named: true,
            tenant: String::new(),
            tenant_participants_max: None,
            publishes: role.may_speak(),
            downlink: Downlink::Slots,
            muted: false,
            resume: None,
        };
        let ticket = self.order(edge, Order::Prepare(newcomer));
        self.people.all[index].waits_for = Some(ticket);
        self.carry_out(edge);
    }

    /// Somebody sets over how many trees the room goes.
    pub(super) fn set_feeds(&mut self, feeds: u32) {
        let Some(edge) = self.people.all.first().map(|person| person.edge) else { return };
        let settings = RoomSettings { feeds: Some(feeds), ..RoomSettings::default() };
        let change = ChangeRoom {
            room: ROOM.to_owned(),
            settings: Some(settings),
            authority: WireRole::Host.into(),
            ..ChangeRoom::default()
        };
        self.order(edge, Order::Ask(Ask::ChangeRoom(change)));
        self.carry_out(edge);
    }

    pub(super) fn order(&mut self, edge: usize, order: Order) -> Ticket {
        let (now, node) = (self.local(edge), &mut self.nodes[edge]);
        let ticket = node.ticket();
        if let Core::Edge(hub, _) = &mut node.core {
            hub.handle_order(ticket, order, &mut node.rng, now);
        }
        ticket
    }

    /// What an order came to.
    pub(super) fn answer(&mut self, edge: usize, ticket: Ticket, outcome: Result<Reply, Problem>) {
        if self.people.founding == Some((edge, ticket)) {
            self.people.founding = None;
            if outcome.is_err() {
                return self.at(self.now + AGAIN, Happening::Found);
            }
            self.people.founded = true;
            for person in 0..self.people.all.len() {
                self.at(self.now + FRAME, Happening::Joins(person));
            }
            return;
        }
        if self.note_deed(edge, ticket, &outcome) {
            return;
        }
        let waits = |person: &Person| person.edge == edge && person.waits_for == Some(ticket);
        let Some(index) = self.people.all.iter().position(waits) else { return };
        self.people.all[index].waits_for = None;
        let Ok(Reply::Prepared(prepared)) = outcome else {
            return self.at(self.now + AGAIN, Happening::Joins(index));
        };
        self.people.sessions += 1;
        let session = SessionId(self.people.sessions);
        let attach = Order::Attach { seat: prepared.seat, session, wants_events: false };
        self.order(edge, attach);
        let now = self.local(edge);
        let remote = std::net::SocketAddr::from(([192, 0, 2, 1], 9));
        if let Some(hub) = self.nodes[edge].hub() {
            hub.handle_session(&SessionEvent::Connected { session, remote }, now);
        }
        let person = &mut self.people.all[index];
        person.seated = Some((session, prepared.key));
        person.track = prepared.track;
        let from = self.now + COMING;
        person.heard_from = Some(from);
        if person.role == Role::Listener {
            self.account.listen(edge, from);
        } else {
            self.stages.listen(edge, from);
        }
    }

    /// An edge has died with everybody in it.
    pub(super) fn lose_people(&mut self, edge: usize) {
        for person in self.people.all.iter_mut().filter(|person| person.edge == edge) {
            person.seated = None;
            person.waits_for = None;
        }
    }

    /// Everybody who speaks says a frame.
    pub(super) fn speak(&mut self) {
        self.at(self.now + FRAME, Happening::Speak);
        self.look();
        let on_stage = |person: &&Person| person.role.may_speak() && person.seated.is_some();
        let stage: BTreeSet<usize> =
            self.people.all.iter().filter(on_stage).map(|person| person.edge).collect();
        for index in 0..self.people.all.len() {
            let person = &mut self.people.all[index];
            let (Some((session, room)), Some(track)) = (person.seated, person.track) else {
                continue;
            };
            let edge = person.edge;
            if !person.role.may_speak() || !self.nodes[edge].runs() {
                continue;
            }
            person.number += FRAME_UNITS;
            let frame = frame(track, person.number);
            if person.heard_from.is_some_and(|from| from <= self.now) {
                self.account.speak(edge, track, frame.number, self.now);
                self.stages.speak(edge, &stage, (track, frame.number), self.now);
            }
            let now = self.local(edge);
            let Some(hub) = self.nodes[edge].hub() else { continue };
            let Some(route) = hub.route_uplinked(Uplinked { session, room, frame }, now) else {
                continue;
            };
            for link in [route.owner, route.standby].into_iter().flatten() {
                self.send_frame(edge, link, &route.frame);
            }
            let Some(frame) = route.lane else { continue };
            for link in hub_lanes(self, edge, route.room) {
                self.send_frame_at_once(edge, link, &frame);
            }
        }
    }
}

fn hub_lanes(world: &mut World, edge: usize, room: RoomKey) -> Vec<LinkId> {
    world.nodes[edge].hub().map(|hub| hub.lanes(room).to_vec()).unwrap_or_default()
}

/// A loud, voiced frame.
fn frame(track: TrackId, number: u64) -> Frame {
    Frame {
        track,
        epoch: Epoch(0),
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(20),
        voice: true,
        payload: Bytes::from_static(&[0x78; 60]),
    }
}
