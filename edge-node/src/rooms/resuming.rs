//! Coming back: to one's seat when only the connection was lost, or under one's former id.

use std::time::{Duration, Instant};

use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::Problem;

use super::command::Command;
use super::hub::{Hub, Timer};
use super::joins::Departure;
use super::news::News;
use super::order::{Newcomer, Reply, SeatId, Seated, Ticket};
use super::problem;
use super::resume::Resume;
use super::roster::ParticipantEvent;
use super::seat::Seat;
use crate::webrtc::Class;

/// How long somebody who has joined through another edge is kept here, unless he leaves.
const LET_GO_AFTER: Duration = Duration::from_secs(10);

/// What a newcomer was before.
#[derive(Clone, Debug)]
pub(super) enum Life {
    /// Nobody that is known.
    First,
    /// He has a seat here, and has proved it.
    Here(SeatId, ParticipantId),
    /// Somebody at another edge, or whose seat has ended; the owner knows.
    Elsewhere(ParticipantId),
}

impl Life {
    pub(super) fn seat(&self) -> Option<SeatId> {
        match self {
            Self::Here(seat, _) => Some(*seat),
            Self::First | Self::Elsewhere(_) => None,
        }
    }

    pub(super) fn participant(&self) -> Option<&ParticipantId> {
        match self {
            Self::Here(_, participant) | Self::Elsewhere(participant) => Some(participant),
            Self::First => None,
        }
    }
}

impl Hub {
    /// Somebody has joined through another edge. He is let go once he hears enough there, and says so by leaving here;
    /// until then he hears through both, and his voice is passed on, which the owner does not let in for longer than it
    /// needs.
    pub(super) fn note_moved(&mut self, id: SeatId, now: Instant) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        if seat.session().is_none() {
            return self.remove_seat(id, Departure::Dismissed("replaced"), now);
        }
        seat.moved = true;
        self.metrics.moves.moved.inc();
        self.note_mover(id, now);
    }

    /// Somebody is on his way from one edge to another: for the moment he may be heard through both.
    pub(super) fn note_mover(&mut self, id: SeatId, now: Instant) {
        if self.seats.get(id).is_some_and(|seat| seat.class == Class::Stage) {
            self.movers.insert(id);
        }
        self.set_timer(now + LET_GO_AFTER, Timer::Moved(id));
    }

    /// His time is over.
    pub(super) fn end_move(&mut self, id: SeatId, now: Instant) {
        self.movers.remove(&id);
        if self.seats.get(id).is_some_and(|seat| seat.moved) {
            self.remove_seat(id, Departure::Dismissed("replaced"), now);
        }
    }

    /// Somebody who has moved away comes back already: his place of before is no longer his.
    pub(super) fn let_mover_back(&mut self, newcomer: &Newcomer, now: Instant) {
        let key = self.directory.key_of(&newcomer.room);
        let resume = newcomer.resume.as_ref();
        let seat = key
            .zip(resume)
            .and_then(|(key, resume)| self.seats.of_participant(key, &resume.participant));
        let moved = |seat: &Seat| seat.moved && seat.identity == newcomer.identity;
        if let Some(id) = seat.filter(|id| self.seats.get(*id).is_some_and(moved)) {
            self.remove_seat(id, Departure::Dismissed("replaced"), now);
        }
    }

    /// Who brings a wrong secret is somebody new: he gets no more than anybody, and no less.
    pub(super) fn former_life(&self, newcomer: &Newcomer) -> Life {
        let Some(resume) = &newcomer.resume else { return Life::First };
        let participant = resume.participant.clone();
        let key = self.directory.key_of(&newcomer.room);
        let seat = key.and_then(|key| self.seats.of_participant(key, &participant));
        let Some((id, seat)) = seat.and_then(|id| Some((id, self.seats.get(id)?))) else {
            self.metrics.resumes_join.inc();
            return Life::Elsewhere(participant);
        };
        if seat.is_resumed_by(&newcomer.identity, resume) {
            self.metrics.resumes_join.inc();
            Life::Here(id, participant)
        } else {
            self.metrics.resumes_refused.inc();
            Life::First
        }
    }

    /// Gives somebody his seat back whose audio went on without a connection.
    pub(super) fn resume(
        &mut self,
        ticket: Ticket,
        room: &RoomId,
        identity: &str,
        resume: &Resume,
    ) -> Result<(), Problem> {
        let key = self.directory.key_of(room);
        let id = key.and_then(|key| self.seats.of_participant(key, &resume.participant));
        let own =
            |seat: &&Seat| seat.is_resumed_by(identity, resume) && seat.wants_events && !seat.moved;
        let seat = id.and_then(|id| self.seats.get(id)).filter(own);
        let Some(seated) = id.filter(|_| seat.is_some()).and_then(|id| self.seated(id)) else {
            self.metrics.resumes_refused.inc();
            return Err(problem::seat_unknown());
        };
        self.metrics.resumes_seat.inc();
        let id = seated.seat;
        if let Some(seat) = self.seats.get_mut(id) {
            seat.told = Some(seated.standing);
        }
        self.answer(ticket, Ok(Reply::Resumed(seated)));
        self.brief(id);
        Ok(())
    }

    /// A seat with a session, as its connection gets to know it.
    pub(super) fn seated(&self, id: SeatId) -> Option<Seated> {
        let seat = self.seats.get(id)?;
        let room = self.directory.get(seat.room)?;
        Some(Seated {
            seat: id,
            participant: seat.participant.clone(),
            session: seat.session()?,
            key: seat.room,
            class: seat.class,
            standing: seat.standing(),
            resume: seat.resume(),
            room: room.info.clone(),
            roster: room.roster.clone(),
        })
    }

    /// Tells a connection that is new to its seat what others of its place know.
    pub(super) fn brief(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get(id) else { return };
        let (key, place) = (seat.room, seat.place());
        let event = ParticipantEvent::Slots(self.slot_names(key, place.class));
        self.owe(Command::Tell { seat: id, event });
        if place.moderates {
            self.tell_at_once(id, key, News::Hands);
        }
        self.tell_of_drain(id);
    }
}
