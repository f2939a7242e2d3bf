//! Requests about people in a room: who comes and goes, who does what to whom, and lists of them.

use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::{
    self, BanPage, Body, Done, Join, Leave, ListBans, ListParticipants, LogPage, ParticipantPage,
    Reactions, ReadLog, RoomInfo, SetMuted,
};

use super::asks::page_length;
use super::core::Service;
use super::counts::ControlRefusal;
use super::hall::RoomKey;
use super::limits::ROOMS_PER_LINK_MAX;
use super::refusal::Refusal;
use super::tracks::Owner;
use crate::room::{self, Act, Actor, Joined, Joining, MuteAsk, Room, Via};

impl Service {
    pub(super) fn join(
        &mut self,
        link: LinkId,
        ask: &Join,
        now: Instant,
    ) -> Result<RoomInfo, Refusal> {
        let (id, key) = self.find(&ask.room, &ask.tenant)?;
        let joining = Joining::try_from(ask)?;
        let (participant, track) = (joining.participant.clone(), joining.track);
        let hall = self.halls.get_mut(&key).ok_or_else(|| Refusal::RoomNotFound(id.clone()))?;
        if hall.room.participant(&participant).is_none() && self.leaving_at.is_some() {
            return Err(Refusal::Draining);
        }
        if hall.room.participant(&participant).is_none() {
            let hall = self.halls.get(&key).ok_or_else(|| Refusal::RoomNotFound(id.clone()))?;
            self.check_blocks(hall, ask)?;
            self.check_people(ask)?;
        }
        let hall = self.halls.get_mut(&key).ok_or_else(|| Refusal::RoomNotFound(id.clone()))?;
        if let Some(track) = track
            && self.owners.get(&track).is_some_and(|owner| !owner.is(key, &participant))
        {
            return Err(Refusal::TrackTaken(track));
        }
        let neighbour = self.links.get_mut(&link).ok_or(Refusal::UnknownAsk)?;
        if neighbour.rooms.len() >= ROOMS_PER_LINK_MAX && !neighbour.rooms.contains(&key) {
            return Err(Refusal::LinkFull { max: ROOMS_PER_LINK_MAX });
        }
        let newcomer = !hall.has_link(link);
        let before = hall.room.participant(&participant).and_then(room::Participant::link);
        let via = Via { link, node: &neighbour.peer.node };
        let joined = hall.room.handle_join(joining, via, now)?;
        let info = hall.info();
        neighbour.rooms.insert(key);
        if let Joined::Instead(Some(before)) = joined {
            self.hand_over_voice(key, before, track, link, now);
        }
        if let (Joined::New | Joined::Instead(_), Some(track)) = (joined, track) {
            self.owners.insert(track, Owner { room: key, participant, epoch: Epoch(0) });
        }
        if let Some(before) = before.filter(|before| *before != link) {
            self.forget_if_absent(before, key);
        }
        let announced = self.settle(key, now);
        if newcomer && !announced {
            self.introduce(link, key);
        }
        if let Some(track) = track {
            self.claim_announced(link, track, now);
        }
        Ok(info)
    }

    /// A room, whosesoever it is: who leaves was let in.
    fn find_any(&self, room: &str) -> Result<(RoomId, RoomKey), Refusal> {
        let id = RoomId::new(room).map_err(|e| Refusal::Room(room::Refusal::NameInvalid(e)))?;
        match self.rooms.get(&id) {
            Some(key) => Ok((id, *key)),
            None => Err(Refusal::RoomNotFound(id)),
        }
    }

    /// Tells a link what the others have heard of a room already.
    fn introduce(&mut self, link: LinkId, key: RoomKey) {
        if let Some(hall) = self.halls.get(&key) {
            let state = Body::RoomState(hall.room.state());
            self.send(link, state);
        }
    }

    pub(super) fn leave(
        &mut self,
        link: LinkId,
        ask: &Leave,
        now: Instant,
    ) -> Result<Done, Refusal> {
        let (id, key) = self.find_any(&ask.room)?;
        let participant = participant_id(&ask.participant)?;
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        let departed = hall.room.handle_leave(&participant, link, now)?;
        self.clear_up(key, &departed, now);
        self.settle(key, now);
        Ok(Done {})
    }

    pub(super) fn set_muted(
        &mut self,
        link: LinkId,
        ask: &SetMuted,
        now: Instant,
    ) -> Result<Done, Refusal> {
        let (id, key) = self.find(&ask.room, &ask.tenant)?;
        let mute = MuteAsk {
            participant: participant_id(&ask.participant)?,
            muted: ask.muted,
            by: Actor::read(&ask.by, ask.authority, &ask.actor, link)?,
        };
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        hall.room.handle_mute(&mute, now)?;
        self.settle(key, now);
        Ok(Done {})
    }

    pub(super) fn act(
        &mut self,
        link: LinkId,
        ask: &control::Act,
        now: Instant,
    ) -> Result<Done, Refusal> {
        let (id, key) = self.find(&ask.room, &ask.tenant)?;
        let actor = Actor::read(&ask.by, ask.authority, &ask.actor, link)?;
        let act = Act::try_from(ask)?;
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        hall.room.handle_act(&actor, &act, now)?;
        self.settle(key, now);
        Ok(Done {})
    }

    pub(super) fn list_participants(
        &self,
        ask: &ListParticipants,
    ) -> Result<ParticipantPage, Refusal> {
        let after = Some(ask.after.as_str()).filter(|after| !after.is_empty());
        let after = after.map(participant_id).transpose()?;
        let limit = page_length(ask.limit)?;
        let room = self.read(&ask.room, &ask.tenant)?;
        Ok(if ask.hands {
            room.hands_page(after.as_ref(), limit, ask.identities)
        } else {
            room.participants_page(after.as_ref(), limit, ask.identities)
        })
    }

    pub(super) fn read_log(&self, ask: &ReadLog) -> Result<LogPage, Refusal> {
        let limit = page_length(ask.limit)?;
        Ok(self.read(&ask.room, &ask.tenant)?.log_page(ask.before, limit))
    }

    pub(super) fn list_bans(&self, ask: &ListBans) -> Result<BanPage, Refusal> {
        let limit = page_length(ask.limit)?;
        Ok(self.read(&ask.room, &ask.tenant)?.bans_page(&ask.after, limit))
    }

    /// Reactions of an edge's clients.
    pub(super) fn react(
        &mut self,
        link: LinkId,
        reactions: &Reactions,
        now: Instant,
    ) -> Result<(), ControlRefusal> {
        let key = self.key_of(&reactions.room).ok_or(ControlRefusal::UnknownRoom)?;
        let hall = self.halls.get_mut(&key).ok_or(ControlRefusal::UnknownRoom)?;
        if !hall.room.has_link(link) {
            return Err(ControlRefusal::UnknownLink);
        }
        let unknown = hall.room.handle_reactions(&reactions.counts, now);
        self.settle(key, now);
        if unknown > 0 { Err(ControlRefusal::UnknownReaction) } else { Ok(()) }
    }

    fn read(&self, room: &str, tenant: &str) -> Result<&Room, Refusal> {
        let (id, key) = self.find(room, tenant)?;
        self.halls.get(&key).map(|hall| &hall.room).ok_or(Refusal::RoomNotFound(id))
    }
}

fn participant_id(participant: &str) -> Result<ParticipantId, Refusal> {
    ParticipantId::new(participant).map_err(|e| Refusal::Room(room::Refusal::NameInvalid(e)))
}
