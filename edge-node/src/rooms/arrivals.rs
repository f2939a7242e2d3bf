//! The first half of a join: who may try, who he was before, and what the owner's consent brings.

use std::time::Instant;

use rand::Rng;
use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{Ask, Join, Problem, RoomInfo};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::hub::{CONNECT_WITHIN, Hub, Timer};
use super::joins::Departure;
use super::order::{Newcomer, Prepared, Reply, SeatId, Ticket};
use super::problem;
use super::requests::Purpose;
use super::resume::Secret;
use super::seat::{OwnMute, Phase, Seat};
use super::ways::Way;
use crate::webrtc::{Class, Downlink, RoomKey};

impl Hub {
    /// Asks the owner; the answer is [`Reply::Prepared`].
    pub(super) fn prepare(
        &mut self,
        ticket: Ticket,
        newcomer: Newcomer,
        rng: &mut impl Rng,
        now: Instant,
    ) -> Result<(), Problem> {
        if self.leaves_at.is_some() {
            return Err(problem::draining());
        }
        if newcomer.downlink == Downlink::None && !newcomer.role.may_speak() {
            return Err(problem::forbidden("The token does not allow to speak in this room."));
        }
        self.let_mover_back(&newcomer, now);
        let life = self.former_life(&newcomer);
        self.check_limits(&newcomer, life.seat())?;
        // A room that has just been closed has no owner any more; a new one of its name may.
        let way = self.way_to(&newcomer.room, false);
        if way == Way::Lost && self.hold_until(&newcomer.room, now).is_none() {
            return Err(problem::owner_unreachable());
        }
        let participant = match life.participant() {
            Some(participant) => participant.clone(),
            None => draw_participant(rng)?,
        };
        if let Some(seat) = life.seat() {
            // The owner hears of the new one instead.
            self.remove_seat(seat, Departure::Dismissed("replaced"), now);
        }
        let track = newcomer.publishes.then(|| self.draw_track(rng));
        let key = self.directory.open(&newcomer.room);
        if let Way::Open(link) = way {
            self.guess(key, link);
        }
        let tenant_participants_max = newcomer.tenant_participants_max;
        let mut seat = seat_of(newcomer, key, participant, track, now);
        seat.secret = Secret::draw(rng);
        (seat.resumes, seat.replaces) = (life.participant().is_some(), life.seat().is_some());
        let seat = self.seats.insert(seat);
        self.seat_in(key, seat);
        if way == Way::Lost {
            self.note_orphans(now);
        }
        let Some(join) = self.join_of(seat, false) else { return Err(problem::seat_lost()) };
        let join = Join { tenant_participants_max, ..join };
        let asked = self.ask(Ask::Join(join), Purpose::Join { seat, ticket }, now);
        if asked.is_err() {
            let departure =
                if life.seat().is_some() { Departure::Left } else { Departure::Unknown };
            self.remove_seat(seat, departure, now);
        }
        asked
    }

    /// `replaced` is a seat that will be free.
    fn check_limits(&self, newcomer: &Newcomer, replaced: Option<SeatId>) -> Result<(), Problem> {
        let replaced = replaced.and_then(|id| self.seats.get(id));
        let seats = self.seats.len() - usize::from(replaced.is_some());
        if seats >= self.limits.participants_max {
            self.metrics.limits.participants.inc();
            return Err(problem::full());
        }
        // The rooms of all of them may hang on one link.
        let voices = replaced.map_or(0, |seat| usize::from(seat.class == Class::Stage));
        let speaks = newcomer.publishes && newcomer.role.may_speak();
        if speaks && self.seats.stage_len() - voices >= TRACKS_PER_LINK_MAX {
            self.metrics.limits.publishers.inc();
            return Err(problem::voices_full());
        }
        let known = self.directory.key_of(&newcomer.room);
        if known.is_none() && self.directory.len() >= self.limits.rooms_max {
            self.metrics.limits.rooms.inc();
            return Err(problem::full());
        }
        Ok(())
    }

    /// The owner has agreed to a join.
    pub(super) fn joined(
        &mut self,
        link: LinkId,
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
        seat.opened_in = seat.class;
        let seat = seat.clone();
        if seat.only_publishes() && seat.class == Class::Audience {
            // The owner knows better than his token.
            self.remove_seat(id, Departure::Left, now);
            let detail = "You are not on the stage of this room.";
            return self.answer(ticket, Err(problem::forbidden(detail)));
        }
        self.set_timer(seat.connect_by, Timer::Connect(id));
        if seat.resumes && !seat.replaces {
            self.note_mover(id, now);
        }
        let Some(room) = self.directory.get_mut(seat.room) else {
            return self.answer(ticket, Err(problem::seat_lost()));
        };
        if let Some(info) = info {
            room.learn(info);
        }
        let owner = room.owner;
        if owner == Some(link) && room.owner_node.is_none() {
            room.owner_node = self.parents.node_of(link).cloned();
        }
        if owner == Some(link) {
            self.bind(owner, &seat);
            self.bind_at_standby(&seat);
            self.bind_in_lanes(&seat);
            if seat.listens() {
                self.subscribe(seat.room, now);
            }
        } else {
            // The room has changed hands since; its owner does not know him.
            self.rejoins.enter(id, true);
            self.pump_rejoins(now);
        }
        let prepared = Prepared {
            seat: id,
            participant: seat.participant,
            key: seat.room,
            class: seat.class,
            track: seat.track,
            muted: seat.muted,
        };
        self.answer(ticket, Ok(Reply::Prepared(prepared)));
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

fn seat_of(
    newcomer: Newcomer,
    room: RoomKey,
    participant: ParticipantId,
    track: Option<TrackId>,
    now: Instant,
) -> Seat {
    let Newcomer { identity, name, role, named, tenant, publishes, downlink, muted, .. } = newcomer;
    // Somebody who may speak but only listens is served like the audience: cheaper, and complete.
    let class = if publishes && role.may_speak() { Class::Stage } else { Class::Audience };
    Seat {
        room,
        participant,
        identity,
        name,
        token_role: role,
        named,
        tenant,
        role,
        hand: false,
        invited: false,
        secret: Secret::default(),
        resumes: false,
        replaces: false,
        moved: false,
        succeeded: false,
        class,
        opened_in: class,
        downlink,
        track,
        phase: Phase::Asking,
        connected: false,
        connect_by: now + CONNECT_WITHIN,
        muted: muted && publishes,
        own_mute: OwnMute::Known,
        wants_events: false,
        told: None,
    }
}

fn draw_participant(rng: &mut impl Rng) -> Result<ParticipantId, Problem> {
    ParticipantId::new(format!("p_{:016x}", rng.next_u64())).map_err(|_| problem::seat_lost())
}
