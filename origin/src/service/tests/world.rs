//! A service, a clock, and links that remember what they were told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_link::{LinkId, PeerName, TrackBinding};
use stoa_protocol::ids::{NodeId, NodeRole, Region, RoomId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CreateRoom, Feed, Join, Problem, Request, RoomInfo, RoomState, Selection,
    SetMuted, Subscribe, TrackKind, Unsubscribe, WireRole,
};

use crate::room::Start;
use crate::service::core::Service;
use crate::service::effects::Command;
use crate::service::limits::Limits;
use crate::service::looks::Look;

/// 2026-01-01, in milliseconds since 1970.
pub(super) const UNIX_MS: u64 = 1_767_225_600_000;

/// The epoch of every track, unless a test says otherwise.
pub(super) const TRACK_EPOCH: Epoch = Epoch(3);

pub(super) struct World {
    pub(super) service: Service,
    pub(super) now: Instant,
    pub(super) start: Instant,
    pub(super) sent: BTreeMap<LinkId, Vec<Body>>,
    pub(super) bound: BTreeMap<LinkId, BTreeMap<TrackId, TrackBinding>>,
    pub(super) closed: BTreeMap<LinkId, String>,
    pub(super) back_filled: BTreeMap<LinkId, Vec<Frame>>,
    /// What the store was to be asked.
    pub(super) looks: Vec<Look>,
    next_request: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(super) fn with_limits(limits: Limits) -> Self {
        let now = Instant::now();
        let start = Start { now, unix_ms: UNIX_MS };
        Self {
            service: Service::new(
                NodeId::new("origin-1").unwrap(),
                limits,
                StdRng::seed_from_u64(1),
                start,
            ),
            now,
            start: now,
            sent: BTreeMap::new(),
            bound: BTreeMap::new(),
            closed: BTreeMap::new(),
            back_filled: BTreeMap::new(),
            looks: Vec::new(),
            next_request: 0,
        }
    }

    pub(super) fn up(&mut self, link: u64, node: &str) -> LinkId {
        let link = LinkId(link);
        self.bound.insert(link, BTreeMap::new());
        self.service.handle_up(link, peer(node, NodeRole::Edge), self.now);
        self.pump();
        link
    }

    pub(super) fn down(&mut self, link: LinkId) {
        self.bound.remove(&link);
        self.service.handle_down(link, self.now);
        self.pump();
    }

    pub(super) fn control(&mut self, link: LinkId, body: Body) {
        self.service.handle_control(link, body, self.now);
        self.pump();
    }

    /// Asks and takes the answer off the link.
    pub(super) fn ask(&mut self, link: LinkId, ask: Ask) -> Answer {
        self.next_request += 1;
        let id = self.next_request;
        self.control(link, Body::Request(Request { id, ask: Some(ask) }));
        match self.sent.entry(link).or_default().pop() {
            Some(Body::Response(response)) if response.id == id => response.answer.unwrap(),
            other => panic!("the answer to request {id} must be the last message, not {other:?}"),
        }
    }

    /// Asks what takes the store.
    pub(super) fn look(&mut self, link: LinkId, ask: Ask) -> Look {
        self.next_request += 1;
        let id = self.next_request;
        self.control(link, Body::Request(Request { id, ask: Some(ask) }));
        self.looks.pop().expect("the store is asked")
    }

    pub(super) fn problem(&mut self, link: LinkId, ask: Ask) -> Problem {
        match self.ask(link, ask) {
            Answer::Problem(problem) => problem,
            other => panic!("expected a problem, got {other:?}"),
        }
    }

    pub(super) fn create(&mut self, link: LinkId, room: &str) -> RoomInfo {
        let ask = CreateRoom { room: room.into(), name: "A room".into(), ..CreateRoom::default() };
        match self.ask(link, Ask::CreateRoom(ask)) {
            Answer::Room(info) => info,
            other => panic!("expected a room, got {other:?}"),
        }
    }

    pub(super) fn join(&mut self, link: LinkId, room: &str, who: &str, role: WireRole) {
        let answer = self.ask(link, join_ask(room, who, role));
        assert!(matches!(answer, Answer::Room(_)), "{answer:?}");
    }

    /// Joins as a speaker and announces his track.
    pub(super) fn join_speaking(&mut self, link: LinkId, room: &str, who: &str) {
        self.join(link, room, who, WireRole::Speaker);
        self.bind(link, room, who);
    }

    pub(super) fn bind(&mut self, link: LinkId, room: &str, who: &str) {
        let binding = Self::binding(room, who);
        self.service.handle_bound(link, &binding, self.now);
        self.pump();
    }

    pub(super) fn binding(room: &str, who: &str) -> TrackBinding {
        TrackBinding {
            track: track(room, who),
            epoch: TRACK_EPOCH,
            room: RoomId::new(room).unwrap(),
            participant: who.into(),
            kind: TrackKind::Speaker,
            bitrate: 0,
        }
    }

    pub(super) fn mute(&mut self, link: LinkId, room: &str, who: &str, muted: bool) -> Answer {
        let (room, participant, by) = (room.into(), who.into(), who.into());
        self.ask(
            link,
            Ask::SetMuted(SetMuted { room, participant, muted, by, ..SetMuted::default() }),
        )
    }

    pub(super) fn subscribe(&mut self, link: LinkId, room: &str) {
        self.control(link, Body::Subscribe(subscribe(room)));
    }

    pub(super) fn unsubscribe(&mut self, link: LinkId, room: &str) {
        let (feed, kind) = (Feed::Red.into(), TrackKind::Speaker.into());
        let body = Unsubscribe { room: room.into(), feed, kind, bitrate: 0 };
        self.control(link, Body::Unsubscribe(body));
    }

    /// One voiced frame of somebody's track now; gives the links it went to.
    pub(super) fn speak(&mut self, link: LinkId, room: &str, who: &str) -> Vec<LinkId> {
        let frame = self.frame(room, who);
        self.send_frame(link, &frame)
    }

    pub(super) fn send_frame(&mut self, link: LinkId, frame: &Frame) -> Vec<LinkId> {
        let route = self.service.handle_frame(link, frame, self.now);
        self.pump();
        let children: Vec<LinkId> =
            route.map(|route| self.service.children(&route).collect()).unwrap_or_default();
        for child in &children {
            let bound = self.bound.get(child).unwrap();
            let epoch = bound.get(&frame.track).map(|binding| binding.epoch);
            assert_eq!(epoch, Some(frame.epoch), "a frame went out before its track was bound");
        }
        children
    }

    pub(super) fn frame(&self, room: &str, who: &str) -> Frame {
        let ms = u64::try_from(self.now.duration_since(self.start).as_millis()).unwrap();
        Frame {
            track: track(room, who),
            epoch: TRACK_EPOCH,
            number: FrameNumber(ms * FrameNumber::UNITS_PER_10_MS / 10),
            duration: FrameDuration::MS_20,
            level: Level::from_minus_dbov(25),
            voice: true,
            payload: Bytes::from_static(&[0x78; 80]),
        }
    }

    pub(super) fn epoch(&self, room: &str) -> Epoch {
        let key = self.service.key_of(room).and_then(|key| self.service.halls.get(&key));
        key.map_or(Epoch(0), |hall| hall.room.epoch())
    }

    /// Lets time pass, with every timer at its moment.
    pub(super) fn advance(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.service.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.service.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    pub(super) fn pump(&mut self) {
        while let Some(command) = self.service.next_command() {
            match command {
                Command::Send { link, body } => self.sent.entry(link).or_default().push(*body),
                Command::Bind { link, binding } => {
                    let bound = self.bound.get_mut(&link).expect("binds only on links that are up");
                    let epoch = binding.epoch;
                    let before = bound.insert(binding.track, *binding);
                    assert!(before.is_none_or(|before| before.epoch < epoch), "bound twice");
                }
                Command::Unbind { link, track } => {
                    let bound =
                        self.bound.get_mut(&link).expect("unbinds only on links that are up");
                    assert!(bound.remove(&track).is_some(), "unbound what was not bound");
                }
                Command::Replicate { link, body, .. } => {
                    self.sent.entry(link).or_default().push(*body);
                }
                Command::Load { .. } | Command::Verify { .. } => {}
                Command::BackFill { link, frames } => {
                    self.back_filled.entry(link).or_default().extend(frames);
                }
                Command::Look { look, .. } => self.looks.push(*look),
                Command::Close { link, reason } => {
                    self.bound.remove(&link);
                    self.closed.insert(link, reason);
                }
            }
        }
    }

    /// The snapshots that a link got since the last call.
    pub(super) fn states(&mut self, link: LinkId) -> Vec<RoomState> {
        self.take(link, |body| match body {
            Body::RoomState(state) => Some(state.clone()),
            _ => None,
        })
    }

    /// The decisions that a link got since the last call.
    pub(super) fn selections(&mut self, link: LinkId) -> Vec<Selection> {
        self.take(link, |body| match body {
            Body::Selection(selection) => Some(selection.clone()),
            _ => None,
        })
    }

    pub(super) fn take<T>(&mut self, link: LinkId, pick: impl Fn(&Body) -> Option<T>) -> Vec<T> {
        let sent = self.sent.entry(link).or_default();
        let picked = sent.iter().filter_map(&pick).collect();
        sent.retain(|body| pick(body).is_none());
        picked
    }
}

pub(super) fn peer(node: &str, role: NodeRole) -> PeerName {
    PeerName { node: NodeId::new(node).unwrap(), role, region: Region::new("ams").unwrap() }
}

pub(super) fn subscribe(room: &str) -> Subscribe {
    let (feed, kind) = (Feed::Red.into(), TrackKind::Speaker.into());
    Subscribe { room: room.into(), feed, kind, bitrate: 0, epoch: 0, back_fill: false }
}

/// The track that somebody joins with: made of room and name, so that tests need no table.
pub(super) fn track(room: &str, who: &str) -> TrackId {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    TrackId(room.bytes().chain(*b"/").chain(who.bytes()).fold(0xcbf2_9ce4_8422_2325, mix))
}

pub(super) fn join_ask(room: &str, who: &str, role: WireRole) -> Ask {
    Ask::Join(Join {
        room: room.into(),
        participant: who.into(),
        identity: format!("{who}@example.org"),
        name: who.into(),
        role: role.into(),
        track: track(room, who).0,
        ..Join::default()
    })
}
