//! Requests about rooms and their answers: what an edge carries to the owner on behalf of people.
//!
//! Tokens are checked at the edge; here a node's right to speak for somebody is checked, and roles.

use std::ops::Bound;
use std::time::Instant;

use rand::RngExt;
use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CreateRoom, Done, Join, Leave, ListRooms, Request, Response, RoomInfo,
    RoomPage, SetMuted,
};

use super::core::Service;
use super::hall::{Hall, RoomKey};
use super::limits::{LIST_PAGE_MAX, ROOM_ID_CHARS, ROOMS_PER_LINK_MAX};
use super::refusal::Refusal;
use super::tracks::Owner;
use crate::room::{self, Founding, Joined, Joining, MuteAsk, Room, Via};

/// Letters and digits of drawn ids: no `0`, `1`, which people take for other characters.
const ID_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz23456789";

/// Draws before giving up; a second one is needed once in 10^11 rooms.
const ID_DRAWS_MAX: usize = 8;

impl Service {
    /// Answers a request. What it changed is told before it is answered, so an edge knows the room
    /// (its epoch, its stage) when it hears that a join was granted.
    pub(super) fn handle_request(&mut self, link: LinkId, request: Request, now: Instant) {
        let kind = request.ask.as_ref().map_or("unknown", kind_of);
        let outcome = match request.ask {
            Some(Ask::CreateRoom(ask)) => self.create_room(ask, now).map(Answer::Room),
            Some(Ask::ListRooms(ask)) => self.list_rooms(&ask).map(Answer::Rooms),
            Some(Ask::ReadRoom(ask)) => self.read_room(&ask.room).map(Answer::Room),
            Some(Ask::CloseRoom(ask)) => self.close_room(&ask.room).map(Answer::Done),
            Some(Ask::Join(ask)) => self.join(link, &ask, now).map(Answer::Room),
            Some(Ask::Leave(ask)) => self.leave(link, &ask, now).map(Answer::Done),
            Some(Ask::SetMuted(ask)) => self.set_muted(link, &ask, now).map(Answer::Done),
            None => Err(Refusal::UnknownAsk),
        };
        self.counts.note_request(kind, outcome.as_ref().map_or_else(Refusal::code, |_| "done"));
        let answer = outcome.unwrap_or_else(|refusal| Answer::Problem(refusal.problem()));
        self.send(link, Body::Response(Response { id: request.id, answer: Some(answer) }));
    }

    fn create_room(&mut self, ask: CreateRoom, now: Instant) -> Result<RoomInfo, Refusal> {
        self.check_admission()?;
        if self.halls.len() >= self.limits.rooms {
            return Err(Refusal::RoomsFull { max: self.limits.rooms });
        }
        let id = if ask.room.is_empty() { self.draw_id()? } else { room_id(&ask.room)? };
        if self.rooms.contains_key(&id) {
            return Err(Refusal::RoomExists(id));
        }
        let since_start = now.saturating_duration_since(self.start.now).as_millis();
        let created_ms =
            self.start.unix_ms.saturating_add(u64::try_from(since_start).unwrap_or(u64::MAX));
        let founding =
            Founding { id: id.clone(), name: ask.name, created_ms, epoch: self.epoch(created_ms) };
        let room = Room::new(founding, self.limits.capacity, now)?;
        let info = room.info();
        let key = RoomKey(self.next_key);
        self.next_key += 1;
        self.rooms.insert(id, key);
        self.halls.insert(key, Hall::new(room));
        self.reschedule(key, now);
        Ok(info)
    }

    /// The first epoch of a room: the second of its creation. A room made again under the same id is
    /// thereby newer than its predecessor, also when this origin has lost its memory in between.
    fn epoch(&self, created_ms: u64) -> Epoch {
        let second = u32::try_from(created_ms / 1_000).unwrap_or(u32::MAX);
        Epoch(second.max(self.epoch_past.0.saturating_add(1)))
    }

    fn draw_id(&mut self) -> Result<RoomId, Refusal> {
        for _ in 0..ID_DRAWS_MAX {
            let mut letter = || {
                let place = self.rng.random_range(0..ID_ALPHABET.len());
                ID_ALPHABET.get(place).copied().map_or('a', char::from)
            };
            let drawn: String = (0..ROOM_ID_CHARS).map(|_| letter()).collect();
            let id = room_id(&drawn)?;
            if !self.rooms.contains_key(&id) {
                return Ok(id);
            }
        }
        Err(Refusal::RoomsFull { max: self.limits.rooms })
    }

    fn list_rooms(&self, ask: &ListRooms) -> Result<RoomPage, Refusal> {
        // 0 is what an edge sends that does not care.
        let limit = if ask.limit == 0 { LIST_PAGE_MAX } else { ask.limit };
        if limit > LIST_PAGE_MAX {
            return Err(Refusal::PageTooLong(limit));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let after = if ask.after.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(room_id(&ask.after)?)
        };
        let mut later = self.rooms.range((after, Bound::Unbounded));
        let info_of = |(_, key): (&RoomId, &RoomKey)| self.halls.get(key).map(|h| h.room.info());
        let rooms: Vec<RoomInfo> = later.by_ref().take(limit).filter_map(info_of).collect();
        let more = later.next().is_some();
        let next = rooms.last().filter(|_| more).map(|info| info.room.clone()).unwrap_or_default();
        Ok(RoomPage { rooms, next })
    }

    fn read_room(&self, room: &str) -> Result<RoomInfo, Refusal> {
        let (id, key) = self.find(room)?;
        self.halls.get(&key).map(|hall| hall.room.info()).ok_or(Refusal::RoomNotFound(id))
    }

    fn close_room(&mut self, room: &str) -> Result<Done, Refusal> {
        let (_, key) = self.find(room)?;
        self.end_room(key);
        Ok(Done {})
    }

    fn join(&mut self, link: LinkId, ask: &Join, now: Instant) -> Result<RoomInfo, Refusal> {
        let (id, key) = self.find(&ask.room)?;
        let joining = Joining::try_from(ask)?;
        let (participant, track) = (joining.participant.clone(), joining.track);
        let hall = self.halls.get_mut(&key).ok_or_else(|| Refusal::RoomNotFound(id.clone()))?;
        if hall.room.participant(&participant).is_none() && self.leaving_at.is_some() {
            return Err(Refusal::Draining);
        }
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
        let joined = hall.room.handle_join(joining, via)?;
        let info = hall.room.info();
        neighbour.rooms.insert(key);
        if let (Joined::New, Some(track)) = (joined, track) {
            self.owners.insert(track, Owner { room: key, participant, epoch: Epoch(0) });
        }
        if let Some(before) = before.filter(|before| *before != link) {
            self.forget_if_absent(before, key);
        }
        let announced = self.settle(key, now);
        if newcomer && !announced {
            self.introduce(link, key);
        }
        Ok(info)
    }

    /// Tells a link what the others have heard of a room already.
    fn introduce(&mut self, link: LinkId, key: RoomKey) {
        if let Some(hall) = self.halls.get(&key) {
            let state = Body::RoomState(hall.room.state());
            self.send(link, state);
        }
    }

    fn leave(&mut self, link: LinkId, ask: &Leave, now: Instant) -> Result<Done, Refusal> {
        let (id, key) = self.find(&ask.room)?;
        let participant = participant_id(&ask.participant)?;
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        let departed = hall.room.handle_leave(&participant, link, now)?;
        self.clear_up(key, &departed, now);
        self.settle(key, now);
        Ok(Done {})
    }

    fn set_muted(&mut self, link: LinkId, ask: &SetMuted, now: Instant) -> Result<Done, Refusal> {
        let (id, key) = self.find(&ask.room)?;
        let mute = MuteAsk {
            participant: participant_id(&ask.participant)?,
            muted: ask.muted,
            by: participant_id(&ask.by)?,
        };
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        if hall.room.handle_mute(&mute, link)? {
            let track: Option<TrackId> =
                hall.room.participant(&mute.participant).and_then(|target| target.track);
            if let Some(track) = track {
                self.set_track_muted(track, mute.muted, now);
            }
            self.settle(key, now);
        }
        Ok(Done {})
    }

    fn check_admission(&self) -> Result<(), Refusal> {
        if self.leaving_at.is_some() { Err(Refusal::Draining) } else { Ok(()) }
    }

    fn find(&self, room: &str) -> Result<(RoomId, RoomKey), Refusal> {
        let id = room_id(room)?;
        match self.rooms.get(&id) {
            Some(key) => Ok((id, *key)),
            None => Err(Refusal::RoomNotFound(id)),
        }
    }
}

fn kind_of(ask: &Ask) -> &'static str {
    match ask {
        Ask::CreateRoom(_) => "create_room",
        Ask::ListRooms(_) => "list_rooms",
        Ask::ReadRoom(_) => "read_room",
        Ask::CloseRoom(_) => "close_room",
        Ask::Join(_) => "join",
        Ask::Leave(_) => "leave",
        Ask::SetMuted(_) => "set_muted",
    }
}

fn room_id(room: &str) -> Result<RoomId, Refusal> {
    RoomId::new(room).map_err(|error| Refusal::Room(room::Refusal::NameInvalid(error)))
}

fn participant_id(participant: &str) -> Result<ParticipantId, Refusal> {
    ParticipantId::new(participant).map_err(|e| Refusal::Room(room::Refusal::NameInvalid(e)))
}
