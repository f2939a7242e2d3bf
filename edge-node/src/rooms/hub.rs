//! The hub: all rooms of this edge in one state machine without clock, socket or randomness.
//!
//! Inputs are `handle_*` calls; what they owe the world comes from `next_command`; frames are routed
//! by return value (see `routing`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::{self, Ask, Body, Problem, Relay, Request, TrackKind};

use super::alternatives::Others;
use super::command::Command;
use super::directory::Directory;
use super::ears::Circle;
use super::held::Held;
use super::lane::SLOTS_INTERVAL;
use super::lists::Lists;
use super::metrics::RoomsMetrics;
use super::news::News;
use super::order::{Reply, SeatId, Ticket};
use super::orphans::Told;
use super::pace::{Due, interval};
use super::problem;
use super::rejoins::Rejoins;
use super::requests::{Errand, Purpose, Requests};
use super::roster::{ParticipantEvent, SlotNames};
use super::seat::Seats;
use super::tree::Edges;
use super::ways::Memory;
use crate::mesh::{Parents, Targets};
use crate::webrtc::{Class, RoomKey, SessionId};

/// Bounds of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Participants at this edge; further joins are answered 503.
    pub participants_max: usize,
    /// Rooms with somebody at this edge; further ones are answered 503.
    pub rooms_max: usize,
}

/// Every deadline of the hub but those of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to give up on a seat that has not connected.
    Connect(SeatId),
    /// When to take somebody out who has moved to another edge, or to take one who has come for settled.
    Moved(SeatId),
    /// When to tell what has changed in a room.
    News(RoomKey, News),
    /// When to tell the owner of reactions.
    Reactions(RoomKey),
    /// When to tell changed slots of the stage lane, and of the audience's.
    StageSlots(RoomKey),
    AudienceSlots(RoomKey),
    /// When to give freed voices to those who wait for one: after the input that has freed them.
    Voices,
    /// When to unsubscribe a room that nobody listens to.
    Linger(RoomKey),
    /// When to remind owners of participants again, after a refusal.
    Rejoin,
    /// When requests have waited long enough for a lost owner's successor.
    Held,
    /// When to tell origins which rooms have lost their owner.
    Orphans,
    /// When to tell the parents what this edge carries.
    Load,
    /// When to look whether former parents of a room can be let go.
    Feeds(RoomKey),
    /// When to take tracks back from children of a room that have fallen silent.
    Silence(RoomKey),
}

/// A track that a link announced.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) room: RoomId,
    pub(super) participant: Option<ParticipantId>,
    pub(super) kind: TrackKind,
}

/// All rooms of this edge.
#[derive(Debug)]
pub struct Hub {
    pub(super) limits: Limits,
    pub(super) metrics: RoomsMetrics,
    pub(super) directory: Directory,
    pub(super) seats: Seats,
    pub(super) parents: Parents,
    pub(super) edges: Edges,
    /// What this edge offers to others.
    pub(super) relay: Relay,
    /// Tracks that links announced; each link at most
    /// [`stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX`].
    pub(super) bound: BTreeMap<LinkId, BTreeMap<TrackId, Bound>>,
    pub(super) targets: Targets,
    pub(super) memory: Memory,
    pub(super) requests: Requests,
    /// Requests that wait for a lost owner's successor.
    pub(super) held: Held,
    pub(super) lists: Lists,
    /// What origins know of rooms here that have lost their owner.
    pub(super) orphans: Told,
    /// Participants that owners have yet to be reminded of, after a link came up.
    pub(super) rejoins: Rejoins,
    /// Sessions that were told to end, with their rooms.
    pub(super) ending: BTreeMap<SessionId, RoomKey>,
    pub(super) timers: BTreeSet<(Instant, Timer)>,
    /// Who may speak and waits in the audience until the link carries one voice more.
    pub(super) voiceless: BTreeSet<SeatId>,
    /// Whose voice may come from another edge as well, because they are on the move between the two.
    pub(super) movers: BTreeSet<SeatId>,
    /// When this edge will be gone, while it drains.
    pub(super) leaves_at: Option<Instant>,
    /// Where clients may go instead.
    pub(super) others: Others,
    /// Whether the timer of the load is set.
    pub(super) load_paced: bool,
    commands: VecDeque<Command>,
}

impl Hub {
    /// An empty hub.
    #[must_use]
    pub fn new(limits: Limits, metrics: RoomsMetrics) -> Self {
        Self {
            limits,
            metrics,
            directory: Directory::default(),
            seats: Seats::default(),
            parents: Parents::default(),
            edges: Edges::default(),
            relay: Relay::default(),
            bound: BTreeMap::new(),
            targets: Targets::default(),
            memory: Memory::default(),
            requests: Requests::default(),
            held: Held::default(),
            lists: Lists::default(),
            orphans: Told::default(),
            rejoins: Rejoins::default(),
            ending: BTreeMap::new(),
            timers: BTreeSet::new(),
            voiceless: BTreeSet::new(),
            movers: BTreeSet::new(),
            leaves_at: None,
            others: Others::default(),
            load_paced: false,
            commands: VecDeque::new(),
        }
    }

    /// The next effect that is owed; call until `None` after every input.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Whether an effect is owed.
    #[must_use]
    pub fn owes(&self) -> bool {
        !self.commands.is_empty()
    }

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.requests.poll_timeout()].into_iter().flatten().min()
    }

    /// Whether an origin is linked.
    #[must_use]
    pub fn has_parent(&self) -> bool {
        !self.parents.is_empty()
    }

    /// Whether nobody is here, no session is ending and, while this edge drains, no other edge hangs from it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let relays = || self.directory.iter().any(|room| !room.children.is_empty());
        self.seats.len() == 0 && self.ending.is_empty() && !(self.leaves_at.is_some() && relays())
    }

    pub(super) fn owe(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    pub(super) fn answer(&mut self, ticket: Ticket, outcome: Result<Reply, Problem>) {
        self.owe(Command::Answer { ticket, outcome: Box::new(outcome) });
    }

    pub(super) fn send(&mut self, link: LinkId, body: Body) {
        self.owe(Command::Send { link, body: Box::new(body) });
    }

    pub(super) fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// Asks over this link and no other, whatever becomes of it.
    pub(super) fn request(
        &mut self,
        link: LinkId,
        ask: Ask,
        purpose: Purpose,
        now: Instant,
    ) -> Result<(), Problem> {
        let Ok(id) = self.requests.register(link, Errand::new(purpose, now)) else {
            self.metrics.limits.requests.inc();
            return Err(problem::busy());
        };
        self.count_requests();
        self.send(link, Body::Request(Request { id, ask: Some(ask) }));
        Ok(())
    }

    /// Tells the owner that somebody has left; it must hear so even when too many requests wait.
    pub(super) fn request_leave(
        &mut self,
        link: LinkId,
        room: &RoomId,
        participant: &ParticipantId,
        now: Instant,
    ) {
        let leave = Ask::Leave(control::Leave {
            room: room.as_str().to_owned(),
            participant: participant.as_str().to_owned(),
        });
        let errand = Errand::with(Purpose::Leave, leave.clone(), now);
        let id =
            self.requests.register(link, errand).unwrap_or_else(|_| self.requests.unregistered());
        self.count_requests();
        self.send(link, Body::Request(Request { id, ask: Some(leave) }));
    }

    pub(super) fn count_requests(&self) {
        self.metrics.requests.set(count(self.requests.len()));
    }

    /// The slots of a lane have changed: tell them, now or soon.
    pub(super) fn note_slots(&mut self, key: RoomKey, class: Class, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let interval = interval(SLOTS_INTERVAL, room.ears);
        match room.lane(class).pace.note(interval, now) {
            Due::Now => self.tell_slots(key, class),
            Due::At(at) => self.set_timer(at, slots_timer(key, class)),
            Due::Later => {}
        }
    }

    pub(super) fn tell_slots(&mut self, key: RoomKey, class: Class) {
        if self.directory.get(key).is_none_or(|room| room.ears == 0) {
            return;
        }
        let event = ParticipantEvent::Slots(self.slot_names(key, class));
        self.owe(Command::Announce { room: key, circle: Circle::Class(class), event });
    }

    /// Who is heard on which slot.
    pub(super) fn slot_names(&mut self, key: RoomKey, class: Class) -> SlotNames {
        let Some(room) = self.directory.get_mut(key) else { return SlotNames::default() };
        let tracks = room.lane(class).tracks();
        tracks.map(|track| {
            let track = track?;
            let local = self.seats.of_track(track).filter(|seat| seat.room == key);
            local.map(|seat| seat.participant.clone()).or_else(|| room.speaker_of(track))
        })
    }

    pub(super) fn count_rooms(&self) {
        self.metrics.rooms.set(count(self.directory.len()));
    }
}

pub(super) fn slots_timer(key: RoomKey, class: Class) -> Timer {
    match class {
        Class::Stage => Timer::StageSlots(key),
        Class::Audience => Timer::AudienceSlots(key),
    }
}

/// A size as a gauge takes it.
pub(super) fn count(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// How long a participant has from the owner's consent, and from the SDP answer, to connect.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(15);
