//! The room itself: what it holds, leave, close, and the grace after a lost link.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::event::LinkId;
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};
use stoa_protocol::mesh::control::{Reaction, RoomState};

use super::announcer::Announcer;
use super::calendar::Start;
use super::changes::Change;
use super::effects::{Command, Event};
use super::exclusions::Exclusions;
use super::hands::Hands;
use super::limits::{AWAY_GRACE, PARTICIPANTS_MAX, STAGE_MAX};
use super::log::{Happening, Log};
use super::participant::{Participant, Whereabouts};
use super::places::Places;
use super::reactions::Applause;
use super::refusal::Refusal;
use super::settings::Settings;

/// What makes a room.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its id.
    pub id: RoomId,
    /// Whose it is; empty for the default tenant.
    pub tenant: String,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// The epoch in which this origin owns it.
    pub epoch: Epoch,
    /// What its owner counts the time of day from.
    pub start: Start,
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
    /// He was here already and comes with another track, instead of this one.
    Instead(Option<TrackId>),
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

/// One room, as its owner holds it.
#[derive(Debug)]
pub struct Room {
    pub(super) founding: Founding,
    pub(super) settings: Settings,
    pub(super) capacity: Capacity,
    pub(super) participants: BTreeMap<ParticipantId, Participant>,
    /// Who may speak, in order of arrival.
    pub(super) stage: Vec<ParticipantId>,
    pub(super) hands: Hands,
    pub(super) exclusions: Exclusions,
    pub(super) places: Places,
    pub(super) log: Log,
    applause: Applause,
    pub(super) away: BTreeSet<(Instant, ParticipantId)>,
    /// How many are here through each link; never zero.
    pub(super) links: BTreeMap<LinkId, usize>,
    pub(super) empty_since: Option<Instant>,
    pub(super) closed: bool,
    pub(super) announcer: Announcer,
    pub(super) commands: VecDeque<Command>,
    pub(super) events: VecDeque<Event>,
    pub(super) changes: VecDeque<Change>,
}

impl Room {
    /// An empty room, made by `actor`.
    ///
    /// # Errors
    /// Those of the settings.
    pub fn new(
        founding: Founding,
        settings: Settings,
        capacity: Capacity,
        actor: &str,
        now: Instant,
    ) -> Result<Self, Refusal> {
        settings.check()?;
        let mut room = Self::vacant(founding, settings, capacity, now);
        room.note(Happening::RoomCreated, [actor, "", ""], now);
        Ok(room)
    }

    pub(super) fn vacant(
        founding: Founding,
        settings: Settings,
        capacity: Capacity,
        now: Instant,
    ) -> Self {
        Self {
            founding,
            settings,
            capacity,
            participants: BTreeMap::new(),
            stage: Vec::new(),
            hands: Hands::default(),
            exclusions: Exclusions::default(),
            places: Places::default(),
            log: Log::default(),
            applause: Applause::default(),
            away: BTreeSet::new(),
            links: BTreeMap::new(),
            empty_since: Some(now),
            closed: false,
            announcer: Announcer::default(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            changes: VecDeque::new(),
        }
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

    /// Everybody on the stage, in order of arrival.
    pub fn on_stage(&self) -> impl Iterator<Item = &Participant> {
        self.stage.iter().filter_map(|id| self.participants.get(id))
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

    /// Ends the room; its last snapshot says so and is due at once.
    pub fn handle_close(&mut self, actor: &str, now: Instant) {
        self.closed = true;
        self.note(Happening::RoomClosed, [actor, "", ""], now);
        let at_ms = self.founding.start.unix_ms_at(now);
        self.changes.push_back(Change::Closed { at_ms });
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

    /// Somebody whose edge is away is heard all the same: he stays for another [`AWAY_GRACE`].
    pub fn handle_sign_of_life(&mut self, id: &ParticipantId, now: Instant) {
        let Some(participant) = self.participants.get_mut(id) else { return };
        let Whereabouts::Away { until } = participant.whereabouts else { return };
        let later = now + AWAY_GRACE;
        // Frames come fifty times a second.
        if later < until + AWAY_GRACE / 10 {
            return;
        }
        participant.whereabouts = Whereabouts::Away { until: later };
        self.away.remove(&(until, id.clone()));
        self.away.insert((later, id.clone()));
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

    /// Takes note of reactions that an edge has counted; says how many kinds are unknown.
    pub fn handle_reactions(&mut self, counts: &[Reaction], now: Instant) -> usize {
        self.applause.note(counts, now)
    }

    /// The reactions that every edge should get now.
    pub fn next_reactions(&mut self, now: Instant) -> Option<Vec<Reaction>> {
        self.applause.take_due(now)
    }

    /// When to call [`Self::next_overdue`], [`Self::next_state`] and [`Self::next_reactions`] next.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let away = self.away.first().map(|(until, _)| *until);
        [self.announcer.due(now), away, self.applause.poll_timeout()].into_iter().flatten().min()
    }

    /// Somebody in the room.
    pub(super) fn found(&self, id: &ParticipantId) -> Result<&Participant, Refusal> {
        self.participants.get(id).ok_or_else(|| self.not_found(id))
    }

    /// Who the token said this is; empty when he is not here.
    pub(super) fn identity_of(&self, id: &ParticipantId) -> String {
        self.participants.get(id).map(|one| one.identity.clone()).unwrap_or_default()
    }

    /// Somebody must go: his edge is told why, and nothing is kept for him.
    pub(super) fn send_out(&mut self, id: &ParticipantId, why: &str, now: Instant) {
        let Some(participant) = self.participants.get(id) else { return };
        if let Some(link) = participant.link() {
            let standing = Box::new(self.standing_of(participant, why));
            self.commands.push_back(Command::Tell { link, standing });
        }
        if let Some(departed) = self.remove(id, now) {
            self.commands.push_back(Command::ClearUp(departed));
        }
        self.places.forget(id);
    }

    pub(super) fn hosted(&self, id: &ParticipantId, link: LinkId) -> Result<&Participant, Refusal> {
        let participant = self.found(id)?;
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
        let gone = self.participants.get(id)?;
        let next = self.exclusions.appointed(&gone.identity).unwrap_or(gone.token_role);
        self.places.keep(gone, next, now);
        self.take_down_hand(id);
        let gone = self.participants.remove(id)?;
        self.changes.push_back(Change::Gone(id.clone()));
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
        self.note_passage(Happening::ParticipantLeft, &gone.identity, gone.role.may_speak(), now);
        Some(Departed { participant: gone.id.clone(), track: gone.track, link: gone.link() })
    }
}

pub(super) fn forget_one(links: &mut BTreeMap<LinkId, usize>, link: LinkId) {
    if let Some(count) = links.get_mut(&link) {
        *count -= 1;
        if *count == 0 {
            links.remove(&link);
        }
    }
}
