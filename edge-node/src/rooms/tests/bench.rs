//! The hub, the owner's answers, and short ways to drive both.

use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus::Registry;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_link::{LinkId, PeerName, TrackBinding};
use stoa_protocol::ids::{NodeId, NodeRole, ParticipantId, Region, Role, RoomId};
use stoa_protocol::mesh::control::{
    self, Answer, Ask, Body, Done, Problem, Response, RoomInfo, RoomState, StageMember, TrackKind,
    WireRole,
};

use crate::rooms::{
    Command, Hub, Limits, Newcomer, Order, ParticipantEvent, Prepared, Reply, RoomsMetrics, Ticket,
};
use crate::webrtc::{Downlink, SessionEvent, SessionId, Uplinked};

pub(super) const LINK: LinkId = LinkId(1);
pub(super) const ROOM: &str = "agora";

/// A hub under test.
pub(super) struct Bench {
    pub(super) hub: Hub,
    pub(super) now: Instant,
    pub(super) metrics: RoomsMetrics,
    rng: StdRng,
    last_ticket: u64,
    last_session: u64,
}

/// Somebody who is in.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) prepared: Prepared,
    pub(super) session: SessionId,
}

impl Person {
    pub(super) fn id(&self) -> &ParticipantId {
        &self.prepared.participant
    }

    pub(super) fn track(&self) -> TrackId {
        self.prepared.track.unwrap()
    }
}

impl Bench {
    /// A hub without links.
    pub(super) fn alone() -> Self {
        Self::limited(Limits { participants_max: 100, rooms_max: 10 })
    }

    pub(super) fn limited(limits: Limits) -> Self {
        let metrics = RoomsMetrics::new(&Registry::new()).unwrap();
        Self {
            hub: Hub::new(limits, metrics.clone()),
            now: Instant::now(),
            metrics,
            rng: StdRng::seed_from_u64(7),
            last_ticket: 0,
            last_session: 0,
        }
    }

    /// A hub with a link to an origin.
    pub(super) fn linked() -> Self {
        let mut bench = Self::alone();
        bench.link_up(LINK);
        bench
    }

    pub(super) fn link_up(&mut self, link: LinkId) {
        self.link_to(link, "origin-1");
    }

    pub(super) fn link_to(&mut self, link: LinkId, node: &str) {
        self.link_as(NodeRole::Origin, link, node);
    }

    /// Another edge is linked.
    pub(super) fn link_edge(&mut self, link: LinkId, node: &str) {
        self.link_as(NodeRole::Edge, link, node);
    }

    fn link_as(&mut self, role: NodeRole, link: LinkId, node: &str) {
        let peer = PeerName {
            node: NodeId::new(node).unwrap(),
            role,
            region: Region::new("ams").unwrap(),
        };
        self.hub.handle_link_up(link, peer, self.now);
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.hub.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.hub.handle_timeout(self.now);
        }
        self.now = end;
    }

    pub(super) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.hub.next_command()).collect()
    }

    /// A peer says something.
    pub(super) fn hear(&mut self, link: LinkId, body: Body) {
        self.hub.handle_control(link, body, self.now);
    }

    /// Gives an order and returns its ticket.
    pub(super) fn order(&mut self, order: Order) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.hub.handle_order(ticket, order, &mut self.rng, self.now);
        ticket
    }

    /// Gives an order that needs no owner and returns what it came to.
    pub(super) fn settle(&mut self, order: Order) -> Result<Reply, Problem> {
        let ticket = self.order(order);
        answer_to(ticket, &self.commands())
    }

    pub(super) fn respond(&mut self, link: LinkId, id: u64, answer: Answer) {
        let response = Response { id, answer: Some(answer) };
        self.hub.handle_control(link, Body::Response(response), self.now);
    }

    /// Owners agree to everything that was asked; returns the other commands.
    pub(super) fn agree(&mut self) -> Vec<Command> {
        let mut rest = Vec::new();
        loop {
            let (asks, others): (Vec<_>, Vec<_>) =
                self.commands().into_iter().partition(|command| asked(command).is_some());
            rest.extend(others);
            if asks.is_empty() {
                return rest;
            }
            for command in &asks {
                let (Some((id, ask)), Command::Send { link, .. }) = (asked(command), command)
                else {
                    continue;
                };
                let answer = match ask {
                    Ask::Join(join) => Answer::Room(info(&join.room)),
                    _ => Answer::Done(Done {}),
                };
                self.respond(*link, id, answer);
            }
        }
    }

    pub(super) fn newcomer(role: Role) -> Newcomer {
        Newcomer {
            room: RoomId::new(ROOM).unwrap(),
            identity: "somebody".to_owned(),
            name: "Somebody".to_owned(),
            role,
            named: true,
            tenant: String::new(),
            tenant_participants_max: None,
            publishes: role.may_speak(),
            downlink: Downlink::Slots,
            muted: false,
            resume: None,
        }
    }

    /// Takes somebody in, up to flowing media; returns him and what the hub did meanwhile.
    pub(super) fn join_as(&mut self, newcomer: Newcomer) -> (Person, Vec<Command>) {
        let ticket = self.order(Order::Prepare(newcomer));
        let mut commands = self.agree();
        let prepared = match answer_to(ticket, &commands).unwrap() {
            Reply::Prepared(prepared) => prepared,
            other => panic!("not prepared: {other:?}"),
        };
        self.last_session += 1;
        let session = SessionId(self.last_session);
        let seat = prepared.seat;
        self.order(Order::Attach { seat, session, wants_events: true });
        let remote = "192.0.2.1:9".parse().unwrap();
        self.hub.handle_session(&SessionEvent::Connected { session, remote }, self.now);
        commands.extend(self.commands());
        (Person { prepared, session }, commands)
    }

    pub(super) fn join(&mut self, role: Role) -> Person {
        self.join_as(Self::newcomer(role)).0
    }

    /// The owner's view of the room, with these on the stage.
    pub(super) fn state(&mut self, version: u64, stage: &[(&Person, bool)]) {
        let state = RoomState {
            info: Some(info(ROOM)),
            epoch: 1,
            version,
            stage: stage.iter().map(|(person, muted)| member(person, *muted)).collect(),
            ..RoomState::default()
        };
        self.hub.handle_control(LINK, Body::RoomState(state), self.now);
    }

    /// The owner says how somebody stands.
    pub(super) fn stand(&mut self, person: &Person, standing: control::Standing) {
        let participant = person.id().as_str().to_owned();
        let standing = control::Standing { room: ROOM.into(), epoch: 1, participant, ..standing };
        self.hub.handle_control(LINK, Body::Standing(standing), self.now);
    }

    /// The owner gives somebody a role.
    pub(super) fn appoint(&mut self, person: &Person, role: WireRole) {
        self.stand(person, control::Standing { role: role.into(), ..control::Standing::default() });
    }

    /// The owner's view of the room, whatever it is.
    pub(super) fn view(&mut self, state: RoomState) {
        let info = Some(state.info.clone().unwrap_or_else(|| info(ROOM)));
        let state = RoomState { info, epoch: 1, ..state };
        self.hub.handle_control(LINK, Body::RoomState(state), self.now);
    }

    /// The owner announces a track of somebody elsewhere.
    pub(super) fn bind(&mut self, link: LinkId, track: u64) {
        self.bind_as(link, track, &format!("p_{track}"));
    }

    /// The owner announces another track of this participant.
    pub(super) fn bind_as(&mut self, link: LinkId, track: u64, participant: &str) {
        let binding = TrackBinding {
            track: TrackId(track),
            epoch: Epoch(0),
            room: RoomId::new(ROOM).unwrap(),
            participant: participant.to_owned(),
            kind: TrackKind::Speaker,
            bitrate: 0,
        };
        self.hub.handle_bound(link, binding);
    }

    /// Somebody here says something.
    pub(super) fn say(
        &mut self,
        person: &Person,
        number: u64,
    ) -> Option<crate::rooms::UplinkRoute> {
        let frame = frame(person.track(), number);
        let uplinked = Uplinked { session: person.session, room: person.prepared.key, frame };
        self.hub.route_uplinked(uplinked, self.now)
    }
}

/// A loud, voiced frame of 20 ms.
pub(super) fn frame(track: TrackId, number: u64) -> Frame {
    Frame {
        track,
        epoch: Epoch(0),
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(20),
        voice: true,
        payload: Bytes::from(vec![0x78; 80]),
    }
}

pub(super) fn info(room: &str) -> RoomInfo {
    RoomInfo { room: room.to_owned(), name: "Agora".to_owned(), ..RoomInfo::default() }
}

fn member(person: &Person, muted: bool) -> StageMember {
    StageMember {
        participant: person.id().as_str().to_owned(),
        name: "Somebody".to_owned(),
        role: 1,
        muted,
        track: person.track().0,
    }
}

/// A request among commands.
pub(super) fn asked(command: &Command) -> Option<(u64, Ask)> {
    match command {
        Command::Send { body, .. } => match &**body {
            Body::Request(request) => Some((request.id, request.ask.clone()?)),
            _ => None,
        },
        _ => None,
    }
}

/// The other messages among commands, with their links.
pub(super) fn sent(commands: &[Command]) -> Vec<(LinkId, Body)> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Send { link, body } => Some((*link, (**body).clone())),
            _ => None,
        })
        .collect()
}

/// The answer to an order; each has exactly one.
pub(super) fn answer_to(ticket: Ticket, commands: &[Command]) -> Result<Reply, Problem> {
    let answers: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Answer { ticket: of, outcome } if *of == ticket => Some(outcome),
            _ => None,
        })
        .collect();
    assert_eq!(answers.len(), 1, "{commands:?}");
    (**answers[0]).clone()
}

/// What one participant is told.
pub(super) fn told(commands: &[Command], person: &Person) -> Vec<ParticipantEvent> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Tell { seat, event } if *seat == person.prepared.seat => Some(event.clone()),
            _ => None,
        })
        .collect()
}

/// What rooms are told.
pub(super) fn announced(commands: &[Command]) -> Vec<ParticipantEvent> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Announce { event, .. } => Some(event.clone()),
            _ => None,
        })
        .collect()
}
