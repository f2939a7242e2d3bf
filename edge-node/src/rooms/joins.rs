//! Orders of the signaling side, and a participant's way in and out.

use std::time::Instant;

use rand::Rng;
use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{self, Ask, Problem, RoomInfo, TrackKind};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::command::Command;
use super::hub::{CONNECT_WITHIN, Hub, Timer};
use super::order::{Newcomer, Order, Prepared, Reply, SeatId, Seated, Ticket};
use super::problem;
use super::requests::Purpose;
use super::room::{LINGER, Subscription};
use super::roster::ParticipantEvent;
use super::seat::{OwnMute, Phase, Seat};
use crate::webrtc::{Class, RoomKey, SessionEvent, SessionId};

/// The epoch of tracks that are published here: a track lives and dies with its session, so it never
/// changes owner.
pub const TRACK_EPOCH: Epoch = Epoch(0);

impl Hub {
    /// Takes an order; its answer is a [`Command::Answer`] with the same ticket.
    pub fn handle_order(&mut self, ticket: Ticket, order: Order, rng: &mut impl Rng, now: Instant) {
        let refused = match order {
            Order::Create { .. } if self.draining => Err(problem::draining()),
            Order::Create { room, name } => {
                let room = room.map_or_else(String::new, String::from);
                self.pass(ticket, Ask::CreateRoom(control::CreateRoom { room, name }), now)
            }
            Order::List { after, limit } => {
                self.pass(ticket, Ask::ListRooms(control::ListRooms { after, limit }), now)
            }
            Order::Read(room) => {
                self.pass(ticket, Ask::ReadRoom(control::ReadRoom { room: room.into() }), now)
            }
            Order::Close(room) => {
                self.pass(ticket, Ask::CloseRoom(control::CloseRoom { room: room.into() }), now)
            }
            Order::Prepare(newcomer) => self.prepare(ticket, newcomer, rng, now),
            Order::Attach { seat, session, wants_events } => {
                self.attach(ticket, seat, session, wants_events, now)
            }
            Order::Abandon(seat) => {
                self.remove_seat(seat, Departure::Left, now);
                self.answer(ticket, Ok(Reply::Done));
                Ok(())
            }
            Order::Leave(session) => self.leave(ticket, session, now),
            Order::SetMuted { by, participant, muted } => {
                self.set_muted(ticket, by, participant, muted, now)
            }
        };
        if let Err(problem) = refused {
            self.answer(ticket, Err(problem));
        }
    }

    /// The one who asked for this seat is no longer there to use it.
    pub fn handle_unclaimed(&mut self, seat: SeatId, now: Instant) {
        self.remove_seat(seat, Departure::Left, now);
    }

    /// Takes note of what a session says.
    pub fn handle_session(&mut self, event: &SessionEvent, now: Instant) {
        match *event {
            SessionEvent::Connected { session, .. } => {
                match self.seats.of_session(session).map(|(id, _)| id) {
                    Some(id) => {
                        if let Some(seat) = self.seats.get_mut(id) {
                            seat.connected = true;
                        }
                    }
                    // Its caller was gone before it could be attached.
                    None if !self.ending.contains_key(&session) => {
                        self.owe(Command::Close { session });
                    }
                    None => {}
                }
            }
            SessionEvent::Closed { session, reason } => {
                if let Some(key) = self.ending.remove(&session) {
                    if let Some(room) = self.directory.get_mut(key) {
                        room.ending = room.ending.saturating_sub(1);
                    }
                    self.drop_room_if_over(key);
                } else if let Some(id) = self.seats.detach(session) {
                    // Media has ended by itself, so there is no session left to close.
                    self.remove_seat(id, Departure::Ended(reason), now);
                }
            }
        }
    }

    /// Passes a question on to the owner and its answer back.
    fn pass(&mut self, ticket: Ticket, ask: Ask, now: Instant) -> Result<(), Problem> {
        let link = self.parents.owner().ok_or_else(problem::owner_unreachable)?;
        self.request(link, ask, Purpose::Pass(ticket), now)
    }

    fn prepare(
        &mut self,
        ticket: Ticket,
        newcomer: Newcomer,
        rng: &mut impl Rng,
        now: Instant,
    ) -> Result<(), Problem> {
        if self.draining {
            return Err(problem::draining());
        }
        if newcomer.publishes && !newcomer.role.may_speak() {
            return Err(problem::forbidden("The token does not allow to speak in this room."));
        }
        if self.seats.len() >= self.limits.participants_max {
            self.metrics.limits.participants.inc();
            return Err(problem::full());
        }
        // The rooms of all of them may hang on one link.
        if newcomer.publishes && self.seats.tracks_len() >= TRACKS_PER_LINK_MAX {
            self.metrics.limits.publishers.inc();
            return Err(problem::voices_full());
        }
        let known = self.directory.key_of(&newcomer.room);
        if known.is_none() && self.directory.len() >= self.limits.rooms_max {
            self.metrics.limits.rooms.inc();
            return Err(problem::full());
        }
        // A room that has just been closed has no owner any more; a new one of its name may.
        let owner = known.and_then(|key| self.directory.get(key)).and_then(|room| room.owner);
        let link = owner.or_else(|| self.parents.owner()).ok_or_else(problem::owner_unreachable)?;
        let participant = draw_participant(rng)?;
        let track = newcomer.publishes.then(|| self.draw_track(rng));
        let key = self.directory.open(&newcomer.room);
        if let Some(room) = self.directory.get_mut(key).filter(|room| room.owner.is_none()) {
            room.adopt(Some(link));
        }
        let seat = seat_of(newcomer, key, participant, track, now);
        let seat = self.seats.insert(seat);
        self.seat_in(key, seat);
        let Some(join) = self.join_of(seat) else { return Err(problem::seat_lost()) };
        let asked = self.request(link, Ask::Join(join), Purpose::Join { seat, ticket }, now);
        if asked.is_err() {
            self.remove_seat(seat, Departure::Unknown, now);
        }
        asked
    }

    /// The owner has agreed to a join.
    pub(super) fn joined(
        &mut self,
        id: SeatId,
        ticket: Ticket,
        info: Option<RoomInfo>,
        now: Instant,
    ) {
        let Some(seat) = self.seats.get_mut(id) else {
            // The room has ended between question and answer.
            return self.answer(ticket, Err(problem::seat_lost()));
        };
        seat.phase = Phase::Prepared;
        seat.connect_by = now + CONNECT_WITHIN;
        let seat = seat.clone();
        self.set_timer(seat.connect_by, Timer::Connect(id));
        let Some(room) = self.directory.get_mut(seat.room) else {
            return self.answer(ticket, Err(problem::seat_lost()));
        };
        if let Some(info) = info {
            room.info = info;
        }
        let (info, owner) = (room.info.clone(), room.owner);
        self.bind(owner, &seat);
        if seat.listens() {
            self.subscribe(seat.room);
        }
        let prepared = Prepared {
            seat: id,
            participant: seat.participant,
            key: seat.room,
            class: seat.class,
            track: seat.track,
            muted: seat.muted,
            room: info,
        };
        self.answer(ticket, Ok(Reply::Prepared(prepared)));
    }

    /// Announces the seat's track to the owner.
    pub(super) fn bind(&mut self, owner: Option<LinkId>, seat: &Seat) {
        let (Some(link), Some(track)) = (owner, seat.track) else { return };
        let Some(room) = self.directory.get(seat.room) else { return };
        let binding = TrackBinding {
            track,
            epoch: TRACK_EPOCH,
            room: room.id.clone(),
            participant: seat.participant.as_str().to_owned(),
            kind: TrackKind::Speaker,
            bitrate: 0,
        };
        self.owe(Command::Bind { link, binding: Box::new(binding) });
    }

    fn attach(
        &mut self,
        ticket: Ticket,
        id: SeatId,
        session: SessionId,
        wants_events: bool,
        now: Instant,
    ) -> Result<(), Problem> {
        let seat = self.seats.attach(id, session).ok_or_else(problem::seat_lost)?;
        seat.wants_events = wants_events;
        seat.connect_by = now + CONNECT_WITHIN;
        let (key, class, muted) = (seat.room, seat.class, seat.muted);
        let Some(room) = self.directory.get_mut(key) else { return Err(problem::seat_lost()) };
        room.ears += usize::from(wants_events);
        let roster = room.roster.clone();
        self.set_timer(now + CONNECT_WITHIN, Timer::Connect(id));
        // The owner may have muted him while his session was being opened.
        self.owe(Command::Mute { session, muted });
        self.answer(ticket, Ok(Reply::Seated(Seated { seat: id, key, class, roster })));
        if wants_events {
            let event = ParticipantEvent::Slots(self.slot_names(key, class));
            self.owe(Command::Tell { seat: id, event });
        }
        Ok(())
    }

    fn leave(&mut self, ticket: Ticket, session: SessionId, now: Instant) -> Result<(), Problem> {
        let (id, _) = self.seats.of_session(session).ok_or_else(problem::session_unknown)?;
        self.remove_seat(id, Departure::Left, now);
        self.answer(ticket, Ok(Reply::Done));
        Ok(())
    }

    /// Takes a participant out, wherever he is on his way: session, track, subscription, owner.
    pub(super) fn remove_seat(&mut self, id: SeatId, departure: Departure, now: Instant) {
        let Some(seat) = self.seats.remove(id) else { return };
        let key = seat.room;
        self.class_gauge(seat.class).dec();
        if let Some(session) = seat.session() {
            self.owe(Command::Close { session });
            self.ending.insert(session, key);
        }
        self.owe(Command::End { seat: id, reason: departure.reason() });
        let Some(room) = self.directory.get_mut(key) else { return };
        room.seats.remove(&id);
        room.ears -= usize::from(seat.wants_events);
        room.ending += usize::from(seat.session().is_some());
        let (owner, room_id) = (room.owner, room.id.clone());
        if seat.listens() {
            room.count_listener(seat.class, false);
        }
        if let Some(track) = seat.track {
            let freed = room.forget(track, now);
            for (class, _) in freed.into_iter().filter(|(_, freed)| *freed) {
                self.note_slots(key, class, now);
            }
        }
        if let Some(link) = owner {
            if let Some(track) = seat.track.filter(|_| seat.joined()) {
                self.owe(Command::Unbind { link, track });
            }
            if departure != Departure::Unknown {
                self.request_leave(link, &room_id, &seat.participant, now);
            }
        }
        self.linger_if_unheard(key, now);
        self.drop_room_if_over(key);
    }

    fn seat_in(&mut self, key: RoomKey, id: SeatId) {
        let Some(seat) = self.seats.get(id) else { return };
        let (class, listens) = (seat.class, seat.listens());
        self.class_gauge(class).inc();
        if let Some(room) = self.directory.get_mut(key) {
            room.seats.insert(id);
            if listens {
                room.count_listener(class, true);
            }
        }
        self.count_rooms();
    }

    fn class_gauge(&self, class: Class) -> &prometheus::IntGauge {
        match class {
            Class::Stage => &self.metrics.stage,
            Class::Audience => &self.metrics.audience,
        }
    }

    pub(super) fn join_of(&self, id: SeatId) -> Option<control::Join> {
        let seat = self.seats.get(id)?;
        Some(seat.join(self.directory.get(seat.room)?.id.as_str()))
    }

    fn linger_if_unheard(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let unheard = room.stage_listeners + room.audience_listeners == 0;
        if unheard && room.subscription == Subscription::Wanted {
            let until = now + LINGER;
            room.subscription = Subscription::Lingering { until };
            self.set_timer(until, Timer::Linger(key));
        }
    }

    pub(super) fn drop_room_if_over(&mut self, key: RoomKey) {
        if self.directory.get(key).is_some_and(|room| room.is_over()) {
            self.directory.remove(key);
            self.count_rooms();
        }
    }

    fn draw_track(&self, rng: &mut impl Rng) -> TrackId {
        loop {
            let track = TrackId(rng.next_u64());
            // Zero means "none" in messages.
            if track.0 != 0 && !self.seats.has_track(track) {
                return track;
            }
        }
    }
}

/// How a seat comes to be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// The owner never knew of the participant.
    Unknown,
    /// The participant has gone.
    Left,
    /// The participant is told why.
    Ended(&'static str),
}

impl Departure {
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ended(reason) => Some(reason),
            Self::Unknown | Self::Left => None,
        }
    }
}

fn seat_of(
    newcomer: Newcomer,
    room: RoomKey,
    participant: ParticipantId,
    track: Option<TrackId>,
    now: Instant,
) -> Seat {
    let Newcomer { identity, name, role, publishes, downlink, muted, .. } = newcomer;
    // Somebody who may speak but only listens is served like the audience: cheaper, and complete.
    let class = if publishes { Class::Stage } else { Class::Audience };
    Seat {
        room,
        participant,
        identity,
        name,
        role,
        class,
        downlink,
        track,
        phase: Phase::Asking,
        connected: false,
        connect_by: now + CONNECT_WITHIN,
        muted: muted && publishes,
        own_mute: OwnMute::Known,
        wants_events: false,
    }
}

fn draw_participant(rng: &mut impl Rng) -> Result<ParticipantId, Problem> {
    ParticipantId::new(format!("p_{:016x}", rng.next_u64())).map_err(|_| problem::seat_lost())
}
