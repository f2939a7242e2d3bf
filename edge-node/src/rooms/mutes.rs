//! Mute: enforced at this edge's uplink as soon as the owner says so, and at once for oneself.

use std::time::Instant;

use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{self, Ask, Problem};

use super::command::Command;
use super::hub::Hub;
use super::order::{Reply, SeatId, Ticket};
use super::problem;
use super::requests::{Errand, Purpose};
use super::seat::{OwnMute, Seat};
use crate::webrtc::{RoomKey, SessionId};

impl Hub {
    pub(super) fn set_muted(
        &mut self,
        ticket: Ticket,
        by: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
        now: Instant,
    ) -> Result<(), Problem> {
        let (id, seat) = self.seats.of_session(by).ok_or_else(problem::session_unknown)?;
        let own = participant.as_ref().is_none_or(|participant| *participant == seat.participant);
        if !own && !seat.role.may_moderate() {
            return Err(problem::forbidden("Muting others takes a moderator."));
        }
        if own && muted {
            self.mute_oneself(id, now);
            self.answer(ticket, Ok(Reply::Done));
            return Ok(());
        }
        let participant = participant.unwrap_or_else(|| seat.participant.clone());
        let Some(ask) = self.mute_ask(id, &participant, muted) else {
            return Err(problem::session_unknown());
        };
        let purpose = Purpose::Mute { by: id, ticket, participant, muted };
        self.ask(ask, purpose, now)?;
        if own {
            self.set_own_mute(id, OwnMute::Known);
        }
        Ok(())
    }

    /// Nobody may go on hearing somebody who has muted himself, whether or not the owner can be
    /// reached; the owner is told until it knows.
    fn mute_oneself(&mut self, id: SeatId, now: Instant) {
        self.enforce_mute(id, true);
        self.set_own_mute(id, OwnMute::Untold);
        self.tell_own_mute(id, now);
    }

    /// Tells the owner that somebody has muted himself, unless it knows.
    pub(super) fn tell_own_mute(&mut self, id: SeatId, now: Instant) {
        let untold = |seat: &&Seat| seat.own_mute == OwnMute::Untold;
        let Some(seat) = self.seats.get(id).filter(untold) else { return };
        let participant = seat.participant.clone();
        let Some(link) = self.directory.get(seat.room).and_then(|room| room.owner) else { return };
        let Some(ask) = self.mute_ask(id, &participant, true) else { return };
        // When too many requests wait, the next state of the room or the next link tries again.
        if self.dispatch(link, Errand::with(Purpose::MuteSelf(id), ask, now)).is_ok() {
            self.set_own_mute(id, OwnMute::Asked);
        }
    }

    /// What became of telling the owner that somebody has muted himself. He may have changed his
    /// mind meanwhile.
    pub(super) fn own_mute_told(&mut self, id: SeatId, known: bool) {
        if self.seats.get(id).is_some_and(|seat| seat.own_mute == OwnMute::Asked) {
            self.set_own_mute(id, if known { OwnMute::Known } else { OwnMute::Untold });
        }
    }

    fn set_own_mute(&mut self, id: SeatId, own_mute: OwnMute) {
        if let Some(seat) = self.seats.get_mut(id) {
            seat.own_mute = own_mute;
        }
    }

    /// The owner has agreed to a mute or unmute, his own or another's. Whoever has muted himself
    /// since it was asked stays muted: the owner will hear of it, or has it under way.
    pub(super) fn mute_granted(&mut self, by: SeatId, participant: &ParticipantId, muted: bool) {
        let Some(key) = self.seats.get(by).map(|seat| seat.room) else { return };
        let Some(id) = self.seats.of_participant(key, participant) else { return };
        if muted || self.seats.get(id).is_some_and(|seat| seat.own_mute == OwnMute::Known) {
            self.enforce_mute(id, muted);
        }
    }

    /// Somebody was told that he is not unmuted. The owner may think otherwise: it may have heard
    /// the wish and not the mute before it, so it is told of the mute again.
    pub(super) fn unmute_failed(&mut self, by: SeatId, participant: &ParticipantId, now: Instant) {
        let own = |seat: &&Seat| seat.participant == *participant;
        if self.seats.get(by).filter(own).is_some_and(|seat| seat.muted) {
            self.set_own_mute(by, OwnMute::Untold);
            self.tell_own_mute(by, now);
        }
    }

    /// The owner's view of who is muted, for those who are here.
    pub(super) fn enforce_stage(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get(key) else { return };
        let wanted: Vec<(SeatId, bool)> = room
            .stage
            .iter()
            .filter_map(|member| {
                let id = self.seats.of_participant(key, &member.shown.participant)?;
                Some((id, member.shown.muted))
            })
            .collect();
        for (id, muted) in wanted {
            self.hear_mute(id, muted, now);
            self.tell_standing(id);
        }
    }

    /// What the owner says of somebody's mute.
    pub(super) fn hear_mute(&mut self, id: SeatId, muted: bool, now: Instant) {
        match self.seats.get(id).map(|seat| seat.own_mute) {
            Some(OwnMute::Known) => self.enforce_mute(id, muted),
            // The owner does not know yet, and may speak of a moderator's mute, which a
            // moderator may take back; nobody's microphone is opened against his will.
            Some(OwnMute::Asked | OwnMute::Untold) => self.tell_own_mute(id, now),
            None => {}
        }
    }

    fn enforce_mute(&mut self, id: SeatId, muted: bool) {
        let Some(seat) = self.seats.get_mut(id).filter(|seat| seat.muted != muted) else { return };
        seat.muted = muted;
        if let Some(session) = seat.session() {
            self.owe(Command::Mute { session, muted });
        }
    }

    fn mute_ask(&self, by: SeatId, participant: &ParticipantId, muted: bool) -> Option<Ask> {
        let seat = self.seats.get(by)?;
        Some(Ask::SetMuted(control::SetMuted {
            room: self.directory.get(seat.room)?.id.as_str().to_owned(),
            participant: participant.as_str().to_owned(),
            muted,
            by: seat.participant.as_str().to_owned(),
            tenant: seat.tenant.clone(),
            ..control::SetMuted::default()
        }))
    }
}
