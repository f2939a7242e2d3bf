//! A local participant's place in a room, from the question to the owner until the end.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::{self, WireRole};

use super::order::SeatId;
use crate::webrtc::{Class, Downlink, RoomKey, SessionId};

/// How far a join has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The owner was asked.
    Asking,
    /// The owner agrees; the session is being opened.
    Prepared,
    /// The session exists.
    Attached(SessionId),
}

/// Whether the owner knows that somebody has muted himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnMute {
    /// It does, or he has not.
    Known,
    /// It was told, and has not answered.
    Asked,
    /// It has to be told.
    Untold,
}

/// A local participant.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) room: RoomKey,
    pub(super) participant: ParticipantId,
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) class: Class,
    pub(super) downlink: Downlink,
    pub(super) track: Option<TrackId>,
    pub(super) phase: Phase,
    /// Media flows, or has flown.
    pub(super) connected: bool,
    /// Until when he must be.
    pub(super) connect_by: Instant,
    pub(super) muted: bool,
    pub(super) own_mute: OwnMute,
    pub(super) wants_events: bool,
}

impl Seat {
    /// The session, once there is one.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Attached(session) => Some(session),
            Phase::Asking | Phase::Prepared => None,
        }
    }

    /// Whether the owner has agreed at least once.
    pub(super) fn joined(&self) -> bool {
        !matches!(self.phase, Phase::Asking)
    }

    /// Whether he hears the room.
    pub(super) fn listens(&self) -> bool {
        self.downlink != Downlink::None
    }

    /// The request that takes him in, or reminds the owner of him.
    pub(super) fn join(&self, room: &str) -> control::Join {
        control::Join {
            room: room.to_owned(),
            participant: self.participant.as_str().to_owned(),
            identity: self.identity.clone(),
            name: self.name.clone(),
            role: i32::from(wire_role(self.role)),
            track: self.track.map_or(0, |track| track.0),
            muted: self.muted,
        }
    }
}

/// All local participants.
#[derive(Debug, Default)]
pub(super) struct Seats {
    all: BTreeMap<SeatId, Seat>,
    by_session: BTreeMap<SessionId, SeatId>,
    by_track: BTreeMap<TrackId, SeatId>,
    by_participant: BTreeMap<(RoomKey, ParticipantId), SeatId>,
    last: u64,
}

impl Seats {
    pub(super) fn insert(&mut self, seat: Seat) -> SeatId {
        self.last += 1;
        let id = SeatId(self.last);
        if let Some(track) = seat.track {
            self.by_track.insert(track, id);
        }
        self.by_participant.insert((seat.room, seat.participant.clone()), id);
        self.all.insert(id, seat);
        id
    }

    pub(super) fn remove(&mut self, id: SeatId) -> Option<Seat> {
        let seat = self.all.remove(&id)?;
        self.by_participant.remove(&(seat.room, seat.participant.clone()));
        if let Some(track) = seat.track {
            self.by_track.remove(&track);
        }
        if let Some(session) = seat.session() {
            self.by_session.remove(&session);
        }
        Some(seat)
    }

    /// Gives a prepared seat its session; `None` for any other.
    pub(super) fn attach(&mut self, id: SeatId, session: SessionId) -> Option<&mut Seat> {
        let seat = self.all.get_mut(&id).filter(|seat| seat.phase == Phase::Prepared)?;
        seat.phase = Phase::Attached(session);
        self.by_session.insert(session, id);
        Some(seat)
    }

    /// The session has ended; its seat stays for the moment.
    pub(super) fn detach(&mut self, session: SessionId) -> Option<SeatId> {
        let id = self.by_session.remove(&session)?;
        let seat = self.all.get_mut(&id)?;
        seat.phase = Phase::Prepared;
        Some(id)
    }

    pub(super) fn get(&self, id: SeatId) -> Option<&Seat> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: SeatId) -> Option<&mut Seat> {
        self.all.get_mut(&id)
    }

    pub(super) fn of_session(&self, session: SessionId) -> Option<(SeatId, &Seat)> {
        let id = *self.by_session.get(&session)?;
        Some((id, self.all.get(&id)?))
    }

    pub(super) fn of_track(&self, track: TrackId) -> Option<&Seat> {
        self.all.get(self.by_track.get(&track)?)
    }

    pub(super) fn of_participant(&self, room: RoomKey, of: &ParticipantId) -> Option<SeatId> {
        self.by_participant.get(&(room, of.clone())).copied()
    }

    pub(super) fn has_track(&self, track: TrackId) -> bool {
        self.by_track.contains_key(&track)
    }

    /// How many may publish.
    pub(super) fn tracks_len(&self) -> usize {
        self.by_track.len()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn ids(&self) -> Vec<SeatId> {
        self.all.keys().copied().collect()
    }
}

/// A role as messages carry it.
pub(super) fn wire_role(role: Role) -> WireRole {
    match role {
        Role::Listener => WireRole::Listener,
        Role::Speaker => WireRole::Speaker,
        Role::Moderator => WireRole::Moderator,
        Role::Host => WireRole::Host,
    }
}

/// A role from a message; an unknown one of a newer node is the least.
pub(super) fn role_of(wire: i32) -> Role {
    match WireRole::try_from(wire) {
        Ok(WireRole::Speaker) => Role::Speaker,
        Ok(WireRole::Moderator) => Role::Moderator,
        Ok(WireRole::Host) => Role::Host,
        Ok(WireRole::Listener) | Err(_) => Role::Listener,
    }
}
