//! Orders of the signaling side, and a participant's way in and out.

use std::time::Instant;

use rand::Rng;
use stoa_audio::frame::Epoch;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::mesh::control::{self, Ask, Problem, TrackKind};

use super::command::Command;
use super::hub::{CONNECT_WITHIN, Hub, Timer};
use super::order::{Order, Reply, SeatId, Ticket};
use super::problem;
use super::room::{LINGER, Subscription};
use super::seat::Seat;
use crate::webrtc::{Class, RoomKey, SessionEvent, SessionId};

/// The epoch of tracks that are published here: a track lives and dies with its session, so it never
/// changes owner.
pub const TRACK_EPOCH: Epoch = Epoch(0);

impl Hub {
    /// Takes an order; its answer is a [`Command::Answer`] with the same ticket.
    pub fn handle_order(&mut self, ticket: Ticket, order: Order, rng: &mut impl Rng, now: Instant) {
        let refused = match order {
            Order::Create(_) if self.leaves_at.is_some() => Err(problem::draining()),
            Order::Create(create) => self.pass(ticket, Ask::CreateRoom(create), now),
            Order::Ask(ask) => self.pass(ticket, ask, now),
            Order::Resume { room, identity, resume } => {
                self.resume(ticket, &room, &identity, &resume)
            }
            Order::Act { by, action } => self.act(ticket, by, &action, now),
            Order::ListPeople { by, after, limit } => {
                self.list_people(ticket, by, after, limit, now)
            }
            Order::React { by, reaction } => self.react(ticket, by, reaction, now),
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

    /// Announces the seat's track to the owner, if he is on the stage.
    pub(super) fn bind(&mut self, owner: Option<LinkId>, seat: &Seat) {
        if seat.class == Class::Audience {
            return;
        }
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
        seat.told = Some(seat.standing());
        let (key, class, muted, opened_in) = (seat.room, seat.class, seat.muted, seat.opened_in);
        let Some(room) = self.directory.get_mut(key) else { return Err(problem::seat_lost()) };
        room.ears += usize::from(wants_events);
        self.set_timer(now + CONNECT_WITHIN, Timer::Connect(id));
        // The owner may have muted or moved him while his session was being opened.
        self.owe(Command::Mute { session, muted });
        if class != opened_in {
            self.owe(Command::SetStage { session, on: class == Class::Stage });
        }
        let seated = self.seated(id).ok_or_else(problem::seat_lost)?;
        self.answer(ticket, Ok(Reply::Seated(seated)));
        if wants_events {
            self.brief(id);
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
        self.voiceless.remove(&id);
        self.movers.remove(&id);
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
        if seat.class == Class::Stage {
            self.silence(&seat, owner, now);
            self.free_voice(now);
        }
        if let Some(link) = owner.filter(|_| departure.is_told() && !seat.moved) {
            self.request_leave(link, &room_id, &seat.participant, now);
        }
        self.linger_if_unheard(key, now);
        self.drop_room_if_over(key);
        self.orphans_may_change(now);
    }

    pub(super) fn seat_in(&mut self, key: RoomKey, id: SeatId) {
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

    pub(super) fn class_gauge(&self, class: Class) -> &prometheus::IntGauge {
        match class {
            Class::Stage => &self.metrics.stage,
            Class::Audience => &self.metrics.audience,
        }
    }

    /// The request that takes him in, or reminds the owner of him.
    pub(super) fn join_of(&self, id: SeatId, again: bool) -> Option<control::Join> {
        let seat = self.seats.get(id)?;
        Some(seat.join(self.directory.get(seat.room)?.id.as_str(), again))
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
}

/// How a seat comes to be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// The owner never knew of the participant.
    Unknown,
    /// The participant has gone.
    Left,
    /// The participant is told why, and the owner that he has gone.
    Ended(&'static str),
    /// The participant is told why; the owner knows already.
    Dismissed(&'static str),
}

impl Departure {
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ended(reason) | Self::Dismissed(reason) => Some(reason),
            Self::Unknown | Self::Left => None,
        }
    }

    /// Whether the owner must hear of it.
    fn is_told(self) -> bool {
        matches!(self, Self::Left | Self::Ended(_))
    }
}
