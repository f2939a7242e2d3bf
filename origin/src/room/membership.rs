//! The room itself: join, leave, mute, close, and the grace after a lost link.
//!
//! It decides who may do what and when edges are told; it touches no audio.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::event::LinkId;
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};
use stoa_protocol::mesh::control::{self, RoomInfo, RoomState};

use super::announcer::Announcer;
use super::limits::{AWAY_GRACE, NAME_CHARS_MAX, PARTICIPANTS_MAX, STAGE_MAX};
use super::participant::{Joining, MutedBy, Participant, Whereabouts, readable};
use super::refusal::Refusal;

/// What makes a room.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its id.
    pub id: RoomId,
    /// What people read, 1 to [`NAME_CHARS_MAX`] characters.
    pub name: String,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Its first epoch.
    pub epoch: Epoch,
}

/// How many a room takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Participants, 1 to [`PARTICIPANTS_MAX`].
    pub participants: usize,
    /// Of these on the stage, 1 to [`STAGE_MAX`].
    pub stage: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { participants: PARTICIPANTS_MAX, stage: STAGE_MAX }
    }
}

/// The edge that carries a request.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// The link it came through.
    pub link: LinkId,
    /// The node at the other end.
    pub node: &'a NodeId,
}

/// What a join came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Somebody new is here.
    New,
    /// He was here already; his edge reconnected or asked twice.
    Again,
}

/// Somebody who has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departed {
    /// Who.
    pub participant: ParticipantId,
    /// The track he could publish.
    pub track: Option<TrackId>,
    /// The link through which he was here; `None` when he was away.
    pub link: Option<LinkId>,
}

/// A wish to mute or unmute.
#[derive(Clone, Debug)]
pub struct MuteAsk {
    /// Whom.
    pub participant: ParticipantId,
    /// The new state.
    pub muted: bool,
    /// Who asks.
    pub by: ParticipantId,
}

/// One room, as its owner holds it.
#[derive(Debug)]
pub struct Room {
    founding: Founding,
    capacity: Capacity,
    participants: BTreeMap<ParticipantId, Participant>,
    /// Who may speak, in order of arrival.
    stage: Vec<ParticipantId>,
    away: BTreeSet<(Instant, ParticipantId)>,
    /// How many are here through each link; never zero.
    links: BTreeMap<LinkId, usize>,
    empty_since: Option<Instant>,
    closed: bool,
    announcer: Announcer,
}

impl Room {
    /// An empty room.
    ///
    /// # Errors
    /// [`Refusal::TextLength`] or [`Refusal::TextControl`] when the name is none.
    pub fn new(founding: Founding, capacity: Capacity, now: Instant) -> Result<Self, Refusal> {
        readable("A room's name", &founding.name, NAME_CHARS_MAX)?;
        Ok(Self {
            founding,
            capacity,
            participants: BTreeMap::new(),
            stage: Vec::new(),
            away: BTreeSet::new(),
            links: BTreeMap::new(),
            empty_since: Some(now),
            closed: false,
            announcer: Announcer::default(),
        })
    }

    /// The room's id.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.founding.id
    }

    /// The epoch under which this origin owns the room.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.founding.epoch
    }

    /// Since when nobody is here; `None` while somebody is.
    #[must_use]
    pub fn empty_since(&self) -> Option<Instant> {
        self.empty_since
    }

    /// Somebody in the room.
    #[must_use]
    pub fn participant(&self, id: &ParticipantId) -> Option<&Participant> {
        self.participants.get(id)
    }

    /// Everybody in the room, by id.
    pub fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    /// The links through which somebody is here, each once.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.keys().copied()
    }

    /// Whether somebody is here through `link`.
    #[must_use]
    pub fn has_link(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// Takes somebody in, or takes note that his edge is back. The second time nothing changes but
    /// the link: what happened to him here meanwhile (a mute) stands.
    ///
    /// # Errors
    /// [`Refusal::ParticipantTaken`], [`Refusal::RoomFull`], [`Refusal::StageFull`].
    pub fn handle_join(&mut self, joining: Joining, via: Via<'_>) -> Result<Joined, Refusal> {
        if let Some(known) = self.participants.get_mut(&joining.participant) {
            // A link can be replaced before its end is noticed, hence the same node is enough.
            if known.identity != joining.identity
                || known.track != joining.track
                || (known.link().is_some() && known.node != *via.node)
            {
                let (room, participant) = (self.founding.id.clone(), joining.participant);
                return Err(Refusal::ParticipantTaken { room, participant });
            }
            let before = std::mem::replace(&mut known.whereabouts, Whereabouts::Here(via.link));
            known.node = via.node.clone();
            match before {
                Whereabouts::Here(link) => forget_one(&mut self.links, link),
                Whereabouts::Away { until } => {
                    self.away.remove(&(until, joining.participant));
                }
            }
            *self.links.entry(via.link).or_default() += 1;
            return Ok(Joined::Again);
        }
        self.check_capacity(&joining)?;
        if joining.role.may_speak() {
            self.stage.push(joining.participant.clone());
        }
        let participant = Participant {
            id: joining.participant.clone(),
            identity: joining.identity,
            name: joining.name,
            role: joining.role,
            muted: joining.muted.then_some(MutedBy::Oneself),
            track: joining.track,
            node: via.node.clone(),
            whereabouts: Whereabouts::Here(via.link),
        };
        self.participants.insert(joining.participant, participant);
        *self.links.entry(via.link).or_default() += 1;
        self.empty_since = None;
        self.announcer.note_change();
        Ok(Joined::New)
    }

    fn check_capacity(&self, joining: &Joining) -> Result<(), Refusal> {
        let room = || self.founding.id.clone();
        if self.participants.len() >= self.capacity.participants {
            return Err(Refusal::RoomFull { room: room(), max: self.capacity.participants });
        }
        if joining.role.may_speak() && self.stage.len() >= self.capacity.stage {
            return Err(Refusal::StageFull { room: room(), max: self.capacity.stage });
        }
        Ok(())
    }

    /// Lets somebody go.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`]; [`Refusal::ParticipantElsewhere`] when the request came
    /// through a link that he is not here through.
    pub fn handle_leave(
        &mut self,
        id: &ParticipantId,
        link: LinkId,
        now: Instant,
    ) -> Result<Departed, Refusal> {
        self.hosted(id, link)?;
        self.remove(id, now).ok_or_else(|| self.not_found(id))
    }

    /// Mutes or unmutes somebody; returns whether that changed anything.
    ///
    /// Everybody may mute and unmute himself. A moderator may mute those of his own role or a lower
    /// one, and may unmute whom a moderator muted, but nobody who muted himself: nobody's microphone
    /// is opened from afar.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`], [`Refusal::ParticipantElsewhere`] (the asking one is here
    /// through another link), [`Refusal::MuteForbidden`], [`Refusal::UnmuteForbidden`].
    pub fn handle_mute(&mut self, ask: &MuteAsk, link: LinkId) -> Result<bool, Refusal> {
        let asking = self.hosted(&ask.by, link)?;
        let target = self
            .participants
            .get(&ask.participant)
            .ok_or_else(|| self.not_found(&ask.participant))?;
        let oneself = ask.by == ask.participant;
        if !oneself {
            if !asking.role.may_moderate() || asking.role < target.role {
                let (by, participant) = (ask.by.clone(), ask.participant.clone());
                return Err(Refusal::MuteForbidden { by, participant });
            }
            if !ask.muted && target.muted == Some(MutedBy::Oneself) {
                return Err(Refusal::UnmuteForbidden { participant: ask.participant.clone() });
            }
        }
        let changed = target.muted.is_some() != ask.muted;
        // Who mutes himself while a moderator's mute holds is not to be opened by the moderator; a
        // moderator's mute takes nothing from who has muted himself.
        let takes_over = oneself && ask.muted;
        if !changed && !takes_over {
            return Ok(false);
        }
        let by = if oneself { MutedBy::Oneself } else { MutedBy::Moderator };
        if let Some(target) = self.participants.get_mut(&ask.participant) {
            target.muted = ask.muted.then_some(by);
        }
        if !changed {
            return Ok(false);
        }
        self.announcer.note_change();
        Ok(true)
    }

    /// Ends the room; its last snapshot says so and is due at once.
    pub fn handle_close(&mut self) {
        self.closed = true;
        self.announcer.note_change();
        self.announcer.hurry();
    }

    /// The link of an edge went down: whoever was here through it is away from now on.
    pub fn handle_link_down(&mut self, link: LinkId, now: Instant) {
        if self.links.remove(&link).is_none() {
            return;
        }
        let until = now + AWAY_GRACE;
        for participant in self.participants.values_mut() {
            if participant.link() == Some(link) {
                participant.whereabouts = Whereabouts::Away { until };
                self.away.insert((until, participant.id.clone()));
            }
        }
    }

    /// Lets the longest overdue participant go; call until `None`.
    pub fn next_overdue(&mut self, now: Instant) -> Option<Departed> {
        let (until, id) = self.away.first().cloned()?;
        if until > now {
            return None;
        }
        self.remove(&id, now)
    }

    /// The snapshot that every edge should get now, if one is due.
    pub fn next_state(&mut self, now: Instant) -> Option<RoomState> {
        self.announcer.take_due(now).then(|| self.state())
    }

    /// When to call [`Self::next_overdue`] and [`Self::next_state`] next.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let away = self.away.first().map(|(until, _)| *until);
        [self.announcer.due(now), away].into_iter().flatten().min()
    }

    /// What everybody may know of the room.
    #[must_use]
    pub fn info(&self) -> RoomInfo {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        RoomInfo {
            room: self.founding.id.as_str().to_owned(),
            name: self.founding.name.clone(),
            created_ms: self.founding.created_ms,
            speakers: count(self.stage.len()),
            listeners: count(self.participants.len() - self.stage.len()),
        }
    }

    /// The room as edges see it.
    #[must_use]
    pub fn state(&self) -> RoomState {
        let members = self.stage.iter().filter_map(|id| self.participants.get(id));
        RoomState {
            info: Some(self.info()),
            epoch: self.founding.epoch.0,
            version: self.announcer.version(),
            stage: members.map(Participant::stage_member).collect::<Vec<control::StageMember>>(),
            closed: self.closed,
        }
    }

    fn hosted(&self, id: &ParticipantId, link: LinkId) -> Result<&Participant, Refusal> {
        let participant = self.participants.get(id).ok_or_else(|| self.not_found(id))?;
        if participant.link() == Some(link) {
            Ok(participant)
        } else {
            Err(Refusal::ParticipantElsewhere { participant: id.clone() })
        }
    }

    fn not_found(&self, id: &ParticipantId) -> Refusal {
        Refusal::ParticipantNotFound { room: self.founding.id.clone(), participant: id.clone() }
    }

    fn remove(&mut self, id: &ParticipantId, now: Instant) -> Option<Departed> {
        let gone = self.participants.remove(id)?;
        if gone.role.may_speak() {
            self.stage.retain(|member| member != id);
        }
        match gone.whereabouts {
            Whereabouts::Here(link) => forget_one(&mut self.links, link),
            Whereabouts::Away { until } => {
                self.away.remove(&(until, id.clone()));
            }
        }
        if self.participants.is_empty() {
            self.empty_since = Some(now);
        }
        self.announcer.note_change();
        Some(Departed { participant: gone.id.clone(), track: gone.track, link: gone.link() })
    }
}

fn forget_one(links: &mut BTreeMap<LinkId, usize>, link: LinkId) {
    if let Some(count) = links.get_mut(&link) {
        *count -= 1;
        if *count == 0 {
            links.remove(&link);
        }
    }
}
