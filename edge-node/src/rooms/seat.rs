//! A local participant's place in a room, from the question to the owner until the end.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::{self, WireRole};

use super::order::SeatId;
use super::resume::{Resume, Secret};
use super::roster::OwnStanding;
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
    /// What the token allows.
    pub(super) token_role: Role,
    pub(super) named: bool,
    pub(super) tenant: String,
    /// What the owner allows; the token's until it has said so.
    pub(super) role: Role,
    pub(super) hand: bool,
    pub(super) invited: bool,
    pub(super) secret: Secret,
    /// Whether he comes back under a former id, and whether that was a seat of this edge.
    pub(super) resumes: bool,
    pub(super) replaces: bool,
    /// He has joined through another edge, and may still be heard and hear through this one.
    pub(super) moved: bool,
    /// His voice comes from the other edge already.
    pub(super) succeeded: bool,
    pub(super) class: Class,
    /// The class that his session was opened in.
    pub(super) opened_in: Class,
    pub(super) downlink: Downlink,
    /// Drawn for everybody who offers a line for a microphone.
    pub(super) track: Option<TrackId>,
    pub(super) phase: Phase,
    /// Media flows, or has flown.
    pub(super) connected: bool,
    /// Until when he must be.
    pub(super) connect_by: Instant,
    pub(super) muted: bool,
    pub(super) own_mute: OwnMute,
    pub(super) wants_events: bool,
    /// How his connection knows that he stands.
    pub(super) told: Option<OwnStanding>,
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

    /// Whether he has nothing here but his voice: a WHIP client, which cannot be told anything.
    pub(super) fn only_publishes(&self) -> bool {
        self.downlink == Downlink::None
    }

    /// Whether he may speak and has a line for it.
    pub(super) fn belongs_on_stage(&self) -> bool {
        self.role.may_speak() && self.track.is_some()
    }

    /// How he stands.
    pub(super) fn standing(&self) -> OwnStanding {
        let (hand, invited) = (self.hand, self.invited);
        OwnStanding { role: self.role, muted: self.muted, hand, invited }
    }

    /// What he may come back with.
    pub(super) fn resume(&self) -> Resume {
        Resume { participant: self.participant.clone(), secret: self.secret }
    }

    /// Whether this is his own former life.
    pub(super) fn is_resumed_by(&self, identity: &str, resume: &Resume) -> bool {
        self.participant == resume.participant
            && self.identity == identity
            && self.secret.is(&resume.secret)
    }

    /// The request that takes him in, or reminds the owner of him; `again` when he is in already.
    pub(super) fn join(&self, room: &str, again: bool) -> control::Join {
        control::Join {
            room: room.to_owned(),
            participant: self.participant.as_str().to_owned(),
            identity: self.identity.clone(),
            name: self.name.clone(),
            role: i32::from(wire_role(self.token_role)),
            track: self.track.map_or(0, |track| track.0),
            muted: self.muted,
            resumes: again || self.resumes,
            named: self.named,
            tenant: self.tenant.clone(),
            // The owner is asked about it when he comes, and not again for a link that was lost.
            tenant_participants_max: None,
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
    /// How many have a voice on a stage.
    voices: usize,
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
        self.voices += usize::from(seat.class == Class::Stage);
        self.all.insert(id, seat);
        id
    }

    pub(super) fn remove(&mut self, id: SeatId) -> Option<Seat> {
        let seat = self.all.remove(&id)?;
        self.by_participant.remove(&(seat.room, seat.participant.clone()));
        self.voices -= usize::from(seat.class == Class::Stage);
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

    /// How many are on a stage.
    pub(super) fn stage_len(&self) -> usize {
        self.voices
    }

    /// Puts somebody on the stage or into the audience; returns where he was.
    pub(super) fn set_class(&mut self, id: SeatId, class: Class) -> Option<Class> {
        let seat = self.all.get_mut(&id)?;
        let before = std::mem::replace(&mut seat.class, class);
        self.voices -= usize::from(before == Class::Stage);
        self.voices += usize::from(class == Class::Stage);
        Some(before)
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
