//! Requests about rooms and their answers: what an edge carries to the owner on behalf of people.
//!
//! Tokens are checked at the edge; here a node's right to speak for somebody is checked, and roles.

use std::ops::Bound;
use std::time::Instant;

use rand::RngExt;
use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{RoomId, TenantId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, ChangeRoom, CloseRoom, CreateRoom, Done, ListRooms, ReadRoom, Request,
    Response, RoomInfo, RoomPage, RoomSettings,
};
use stoa_protocol::tenant::Quotas;

use super::core::Service;
use super::effects::Command;
use super::hall::{Hall, RoomKey};
use super::limits::{LIST_PAGE_MAX, ROOM_ID_CHARS};
use super::origins::HELD_MAX;
use super::refusal::Refusal;
use crate::room::{self, Actor, Founding, Room, Settings, Visibility};

/// Letters and digits of drawn ids: no `0`, `1`, which people take for other characters.
const ID_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz23456789";

/// Draws before giving up; a second one is needed once in 10^11 rooms.
const ID_DRAWS_MAX: usize = 8;

impl Service {
    /// Answers a request. What it changed is told before it is answered, so an edge knows the room
    /// (its epoch, its stage) when it hears that a join was granted.
    pub(super) fn handle_request(&mut self, link: LinkId, request: Request, now: Instant) {
        let kind = request.ask.as_ref().map_or("unknown", kind_of);
        let Some(request) = self.hold_if_moving(link, request) else { return };
        let acting = request.ask.as_ref().and_then(acted_in).map(ToOwned::to_owned);
        if let Some(Err(refusal)) = acting.map(|room| self.check_tenure(&room, link, now)) {
            self.counts.note_request(kind, refusal.code());
            let answer = Some(Answer::Problem(refusal.problem()));
            self.send(link, Body::Response(Response { id: request.id, answer }));
            return;
        }
        if let Some(look) = request.ask.as_ref().and_then(|ask| self.look_of(ask, now)) {
            self.counts.note_request(kind, "stored");
            let (request, look) = (request.id, Box::new(look));
            return self.commands.push_back(Command::Look { link, request, look });
        }
        let outcome = match request.ask {
            Some(Ask::CreateRoom(ask)) => self.create_room(&ask, now).map(Answer::Room),
            Some(Ask::ChangeRoom(ask)) => self.change_room(link, &ask, now).map(Answer::Room),
            Some(Ask::ListRooms(ask)) => self.list_rooms(&ask).map(Answer::Rooms),
            Some(Ask::ReadRoom(ask)) => self.read_room(&ask).map(Answer::Room),
            Some(Ask::CloseRoom(ask)) => self.close_room(&ask, now).map(Answer::Done),
            Some(Ask::Join(ask)) => self.join(link, &ask, now).map(Answer::Room),
            Some(Ask::Leave(ask)) => self.leave(link, &ask, now).map(Answer::Done),
            Some(Ask::SetMuted(ask)) => self.set_muted(link, &ask, now).map(Answer::Done),
            Some(Ask::Act(ask)) => self.act(link, &ask, now).map(Answer::Done),
            Some(Ask::ListParticipants(ask)) => {
                self.list_participants(&ask).map(Answer::Participants)
            }
            Some(Ask::Revoke(ask)) => self.revoke(ask, now).map(Answer::Done),
            Some(Ask::Block(ask)) => self.block(&ask, now).map(Answer::Done),
            Some(Ask::ListBlocks(ask)) => self.list_blocks(&ask).map(Answer::Blocks),
            Some(Ask::Personal(ask)) => self.personal(ask, now),
            Some(Ask::ReadLog(ask)) => self.read_log(&ask).map(Answer::Log),
            Some(Ask::ListBans(ask)) => self.list_bans(&ask).map(Answer::Bans),
            Some(Ask::EraseIdentity(_)) | None => Err(Refusal::UnknownAsk),
        };
        self.counts.note_request(kind, outcome.as_ref().map_or_else(Refusal::code, |_| "done"));
        let answer = outcome.unwrap_or_else(|refusal| Answer::Problem(refusal.problem()));
        self.send(link, Body::Response(Response { id: request.id, answer: Some(answer) }));
    }

    fn create_room(&mut self, ask: &CreateRoom, now: Instant) -> Result<RoomInfo, Refusal> {
        self.check_admission()?;
        if !self.network.tenure.holds(now) {
            // Another origin might make a room of the same id, and only the store would know.
            return Err(Refusal::StoreAway);
        }
        if self.halls.len() >= self.limits.rooms {
            return Err(Refusal::RoomsFull { max: self.limits.rooms });
        }
        let id = if ask.room.is_empty() { self.draw_id()? } else { room_id(&ask.room)? };
        if self.rooms.contains_key(&id) {
            return Err(Refusal::RoomExists(id));
        }
        self.check_quota(ask)?;
        let tenant = TenantId::of_wire(&ask.tenant)
            .map_err(|error| Refusal::Room(room::Refusal::NameInvalid(error)))?;
        let created_ms = self.start.unix_ms_at(now);
        let settings = Settings::named(&ask.name);
        let settings = match &ask.settings {
            Some(wanted) => settings.changed(&RoomSettings { name: None, ..wanted.clone() })?,
            None => settings,
        };
        let founding = Founding {
            id: id.clone(),
            tenant: tenant.to_wire(),
            created_ms,
            epoch: self.epoch(created_ms),
            start: self.start,
        };
        let room = Room::new(founding, settings, self.limits.capacity, &ask.actor, now)?;
        self.write_room(&room);
        let ownership = self.ownership(room.epoch());
        let key = self.open_hall(room, ownership);
        let info = self.halls.get(&key).map(Hall::info).ok_or(Refusal::RoomNotFound(id))?;
        self.settle(key, now);
        self.tell_ownership(key);
        self.assign_standby(key, now);
        Ok(info)
    }

    fn change_room(
        &mut self,
        link: LinkId,
        ask: &ChangeRoom,
        now: Instant,
    ) -> Result<RoomInfo, Refusal> {
        let (id, key) = self.find(&ask.room, &ask.tenant)?;
        let actor = Actor::read(&ask.by, ask.authority, &ask.actor, link)?;
        let hall = self.halls.get_mut(&key).ok_or(Refusal::RoomNotFound(id))?;
        hall.room.handle_change(&actor, &ask.settings.clone().unwrap_or_default(), now)?;
        let info = hall.info();
        self.settle(key, now);
        Ok(info)
    }

    /// The first epoch of a room: the second of its creation. A room made again under the same id is
    /// thereby newer than its predecessor, also when this origin has lost its memory in between.
    pub(super) fn epoch(&self, created_ms: u64) -> Epoch {
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
            if !self.rooms.contains_key(&id) && self.network.directory.find(&id).is_none() {
                return Ok(id);
            }
        }
        Err(Refusal::RoomsFull { max: self.limits.rooms })
    }

    fn list_rooms(&self, ask: &ListRooms) -> Result<RoomPage, Refusal> {
        let limit = page_length(ask.limit)?;
        let after = if ask.after.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(room_id(&ask.after)?)
        };
        let search = ask.search.to_lowercase();
        let mut later = self
            .rooms
            .range((after, Bound::Unbounded))
            .filter_map(|(_, key)| self.halls.get(key))
            .filter(|hall| is_wanted(&hall.room, ask, &search))
            .map(Hall::info);
        let rooms: Vec<RoomInfo> = later.by_ref().take(limit).collect();
        let more = later.next().is_some();
        let next = rooms.last().filter(|_| more).map(|info| info.room.clone()).unwrap_or_default();
        Ok(RoomPage { rooms, next })
    }

    fn read_room(&self, ask: &ReadRoom) -> Result<RoomInfo, Refusal> {
        let (id, key) = self.find(&ask.room, &ask.tenant)?;
        self.halls.get(&key).map(Hall::info).ok_or(Refusal::RoomNotFound(id))
    }

    fn close_room(&mut self, ask: &CloseRoom, now: Instant) -> Result<Done, Refusal> {
        let (_, key) = self.find(&ask.room, &ask.tenant)?;
        self.end_room(key, now);
        Ok(Done {})
    }

    fn check_admission(&self) -> Result<(), Refusal> {
        if self.leaving_at.is_some() { Err(Refusal::Draining) } else { Ok(()) }
    }

    /// A room that a bearer of this tenant may touch; another tenant's is as one that is not there.
    pub(super) fn find(&self, room: &str, tenant: &str) -> Result<(RoomId, RoomKey), Refusal> {
        let id = room_id(room)?;
        let key = self.rooms.get(&id).copied();
        let hall = key.and_then(|key| self.halls.get(&key));
        let own = hall.is_some_and(|hall| is_of(&hall.room, tenant));
        match key.filter(|_| own) {
            Some(key) => Ok((id, key)),
            None => Err(self.elsewhere(id, tenant)),
        }
    }

    /// Why a room is not to be found here.
    fn elsewhere(&self, room: RoomId, tenant: &str) -> Refusal {
        let known = self.network.directory.find(&room);
        match known.filter(|known| same_tenant(&known.tenant, tenant)) {
            Some(known) => Refusal::Elsewhere { owner: known.owner.clone(), room },
            None => Refusal::RoomNotFound(room),
        }
    }

    /// Puts a request aside whose room is about to go to another origin.
    fn hold_if_moving(&mut self, link: LinkId, request: Request) -> Option<Request> {
        let room = request.ask.as_ref().and_then(acted_in);
        let key = room.and_then(|room| self.key_of(room));
        let moving = key.and_then(|key| self.halls.get_mut(&key)?.moving.as_mut());
        let Some(moving) = moving else { return Some(request) };
        if moving.held.len() >= HELD_MAX {
            self.network.counts.over_limit += 1;
            let room = RoomId::new(room.unwrap_or_default()).ok();
            let refusal = room.map_or(Refusal::UnknownAsk, Refusal::Moving);
            let answer = Some(Answer::Problem(refusal.problem()));
            self.send(link, Body::Response(Response { id: request.id, answer }));
            return None;
        }
        moving.held.push_back((link, request));
        None
    }

    /// Whether the tenant may have one room more.
    fn check_quota(&self, ask: &CreateRoom) -> Result<(), Refusal> {
        let Some(max) = ask.tenant_rooms_max else { return Ok(()) };
        let rooms = self.halls.values().filter(|hall| is_of(&hall.room, &ask.tenant)).count()
            + self.network.directory.count_of(&ask.tenant);
        let quotas = Quotas { rooms: Some(max), ..Quotas::default() };
        quotas.check_rooms(rooms).map_err(|reached| Refusal::TenantRooms { max, reached })
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
        Ask::ChangeRoom(_) => "change_room",
        Ask::Act(_) => "act",
        Ask::ListParticipants(_) => "list_participants",
        Ask::ReadLog(_) => "read_log",
        Ask::ListBans(_) => "list_bans",
        Ask::Revoke(_) => "revoke",
        Ask::Block(_) => "block",
        Ask::ListBlocks(_) => "list_blocks",
        Ask::EraseIdentity(_) => "erase_identity",
        Ask::Personal(ask) => {
            let inner = ask.request.as_ref().and_then(|request| request.ask.as_ref());
            inner.filter(|ask| !matches!(ask, Ask::Personal(_))).map_or("unknown", kind_of)
        }
    }
}

/// Whether a list tells of a room; `search` is in lower case.
fn is_wanted(room: &Room, ask: &ListRooms, search: &str) -> bool {
    let settings = room.settings();
    let found = |text: &str| search.is_empty() || text.to_lowercase().contains(search);
    (ask.all || settings.visibility == Visibility::Open)
        && is_of(room, &ask.tenant)
        && (ask.language.is_empty() || settings.language.eq_ignore_ascii_case(&ask.language))
        && (found(&settings.name) || found(&settings.topic))
}

/// Whether a room is this tenant's, as messages name it.
pub(super) fn is_of(room: &Room, tenant: &str) -> bool {
    same_tenant(room.tenant(), tenant)
}

fn same_tenant(own: &str, asked: &str) -> bool {
    own == asked || TenantId::of_wire(asked).is_ok_and(|tenant| tenant.to_wire() == own)
}

/// The room in which a request would change something.
fn acted_in(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Personal(ask) => acted_in(ask.request.as_ref()?.ask.as_ref()?),
        Ask::ChangeRoom(ask) => Some(&ask.room),
        Ask::CloseRoom(ask) => Some(&ask.room),
        Ask::Join(ask) => Some(&ask.room),
        Ask::Leave(ask) => Some(&ask.room),
        Ask::SetMuted(ask) => Some(&ask.room),
        Ask::Act(ask) => Some(&ask.room),
        Ask::CreateRoom(_)
        | Ask::ListRooms(_)
        | Ask::ReadRoom(_)
        | Ask::ListParticipants(_)
        | Ask::ReadLog(_)
        | Ask::ListBans(_)
        | Ask::EraseIdentity(_)
        | Ask::Block(_)
        | Ask::ListBlocks(_)
        | Ask::Revoke(_) => None,
    }
}

/// How long a page may be; 0 is what an edge sends that does not care.
pub(super) fn page_length(limit: u32) -> Result<usize, Refusal> {
    match limit {
        0 => Ok(usize::try_from(LIST_PAGE_MAX).unwrap_or(usize::MAX)),
        1..=LIST_PAGE_MAX => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        _ => Err(Refusal::PageTooLong(limit)),
    }
}

fn room_id(room: &str) -> Result<RoomId, Refusal> {
    RoomId::new(room).map_err(|error| Refusal::Room(room::Refusal::NameInvalid(error)))
}
