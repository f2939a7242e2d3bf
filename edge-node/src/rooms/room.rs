//! One room as this edge sees it: the owner's view of it, the seats here, and its two lanes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, TrackId};
use stoa_audio::recent::Recent;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};
use stoa_protocol::mesh::control::{Hand, RoomInfo, RoomState, Selection, StageMember};

use super::lane::Lane;
use super::news::Paces;
use super::order::SeatId;
use super::pace::Pace;
use super::reactions::ReactionCounts;
use super::roster::{Counts, RaisedHand, Roster, RosterMember, Title};
use super::seat::role_of;
use super::tracks::{TRACKS_MAX, Tracks};
use super::tree::{Children, Feeds, Lanes};
use crate::webrtc::{Class, RoomKey};

/// Members of a stage that are believed; an owner that claims more is cut off there.
pub(super) const STAGE_MAX: usize = 1_024;

/// How long a room without listeners stays subscribed: reloading a page must not cost a round trip.
pub(super) const LINGER: Duration = Duration::from_secs(5);

/// Hands of a queue that are believed.
pub(super) const HANDS_MAX: usize = 50;

/// Whether the owner should send this room's tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscription {
    /// Nobody listens here.
    Off,
    /// Somebody does.
    Wanted,
    /// Nobody has for less than [`LINGER`].
    Lingering { until: Instant },
}

/// Somebody on the stage, as the owner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) shown: RosterMember,
    pub(super) track: Option<TrackId>,
}

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) key: RoomKey,
    /// The link to its owner, or to who is asked whether it is.
    pub(super) owner: Option<LinkId>,
    /// Who owns it, once somebody has said so. Stays while its link is down.
    pub(super) owner_node: Option<NodeId>,
    /// Since when a known owner is waited for.
    pub(super) orphaned_at: Option<Instant>,
    /// When everybody in it was last given another owner.
    pub(super) moved_at: Option<Instant>,
    /// When somebody was told that he owns it no longer.
    pub(super) superseded_at: Option<Instant>,
    pub(super) info: RoomInfo,
    pub(super) stage: Vec<Member>,
    pub(super) roster: Arc<Roster>,
    pub(super) hands: Arc<[RaisedHand]>,
    pub(super) paces: Paces,
    /// Reactions given here that the owner has not heard of.
    pub(super) given: ReactionCounts,
    pub(super) given_pace: Pace,
    /// Reactions given anywhere that nobody here has heard of.
    pub(super) applause: ReactionCounts,
    pub(super) seats: BTreeSet<SeatId>,
    /// Seats that hear the stage lane, and the tree.
    pub(super) stage_listeners: usize,
    pub(super) audience_listeners: usize,
    /// Seats that want events.
    pub(super) ears: usize,
    /// Sessions that were told to end and have not yet; the key is theirs until then.
    pub(super) ending: usize,
    pub(super) subscription: Subscription,
    /// Of whom its frames are asked.
    pub(super) feeds: Feeds,
    /// Who gets them from here.
    pub(super) children: Children,
    /// Whether the owner wants it passed on, whoever is here.
    pub(super) relays: bool,
    pub(super) recent: Recent,
    /// The root of the blue tree, to which voices of this edge go as well, and the link to it.
    pub(super) standby_node: Option<NodeId>,
    pub(super) standby: Option<LinkId>,
    pub(super) stage_lane: Lane,
    pub(super) audience_lane: Lane,
    /// The stage's other edges.
    pub(super) lanes: Lanes,
    /// Which frames have come.
    pub(super) tracks: Tracks,
    epoch: Epoch,
    version: Option<u64>,
    decision: Option<u64>,
}

/// What a state of the owner changed.
#[derive(Debug, Default)]
pub(super) struct StateChange {
    /// The stage is another one.
    pub(super) roster: bool,
    /// The counts are.
    pub(super) counts: bool,
    /// The queue of hands is.
    pub(super) hands: bool,
    /// Name or topic are.
    pub(super) title: bool,
    /// Tracks that were on the stage and are no longer.
    pub(super) gone: Vec<TrackId>,
    /// The room has ended.
    pub(super) closed: bool,
    /// Members that could not be read.
    pub(super) malformed: usize,
}

impl Room {
    pub(super) fn new(id: RoomId, key: RoomKey) -> Self {
        let info = RoomInfo { room: id.as_str().to_owned(), ..RoomInfo::default() };
        Self {
            id,
            key,
            owner: None,
            owner_node: None,
            orphaned_at: None,
            moved_at: None,
            superseded_at: None,
            info,
            stage: Vec::new(),
            roster: Arc::default(),
            hands: Arc::default(),
            paces: Paces::default(),
            given: ReactionCounts::default(),
            given_pace: Pace::default(),
            applause: ReactionCounts::default(),
            seats: BTreeSet::new(),
            stage_listeners: 0,
            audience_listeners: 0,
            ears: 0,
            ending: 0,
            subscription: Subscription::Off,
            feeds: Feeds::default(),
            children: Children::default(),
            relays: false,
            recent: Recent::default(),
            standby_node: None,
            standby: None,
            stage_lane: Lane::of_stage(),
            audience_lane: Lane::of_audience(),
            epoch: Epoch::default(),
            version: None,
            decision: None,
            tracks: Tracks::default(),
            lanes: Lanes::default(),
        }
    }

    /// Whether nothing of the room is left here.
    pub(super) fn is_over(&self) -> bool {
        let unused = self.ending == 0 && self.subscription == Subscription::Off;
        self.seats.is_empty() && unused && self.children.is_empty() && !self.relays
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Takes note of the epoch of a message; `false` when a newer one is known.
    pub(super) fn note_epoch(&mut self, epoch: Epoch) -> bool {
        if epoch < self.epoch {
            return false;
        }
        if epoch > self.epoch {
            self.epoch = epoch;
            self.version = None;
            self.decision = None;
        }
        true
    }

    /// What the owner says of the room when it takes somebody in; its states are newer.
    pub(super) fn learn(&mut self, info: RoomInfo) {
        if self.version.is_none() {
            self.info = info;
        }
    }

    /// How many listen and want to speak.
    pub(super) fn counts(&self) -> Counts {
        Counts { listeners: self.info.listeners, hands: self.info.hands }
    }

    /// What the room is called.
    pub(super) fn title(&self) -> Title {
        let topic = self.info.settings.as_ref().and_then(|settings| settings.topic.clone());
        Title { name: self.info.name.clone(), topic: topic.unwrap_or_default() }
    }

    /// How many hear the lane of `class`.
    pub(super) fn listeners(&self, class: Class) -> usize {
        match class {
            Class::Stage => self.stage_listeners,
            Class::Audience => self.audience_listeners,
        }
    }

    /// Counts a listener in or out.
    pub(super) fn count_listener(&mut self, class: Class, here: bool) {
        let count = match class {
            Class::Stage => &mut self.stage_listeners,
            Class::Audience => &mut self.audience_listeners,
        };
        *count = if here { *count + 1 } else { count.saturating_sub(1) };
    }

    pub(super) fn lane(&mut self, class: Class) -> &mut Lane {
        match class {
            Class::Stage => &mut self.stage_lane,
            Class::Audience => &mut self.audience_lane,
        }
    }

    /// The room is asked for over another link: its counters of changes start anew, its epoch stays.
    pub(super) fn adopt(&mut self, owner: Option<LinkId>) {
        if let Some(former) = self.owner.filter(|former| owner != Some(*former)) {
            self.feeds.forget(former);
        }
        self.feeds.handle_owner();
        self.lanes.handle_owner();
        self.owner = owner;
        self.orphaned_at = None;
        self.version = None;
        self.decision = None;
    }

    /// The room has ended; another of the same name knows nothing of it.
    pub(super) fn end(&mut self) {
        self.adopt(None);
        self.owner_node = None;
        self.epoch = Epoch::default();
        self.subscription = Subscription::Off;
        self.relays = false;
        self.recent.clear();
        self.stage.clear();
        self.roster = Arc::default();
        self.hands = Arc::default();
    }

    /// Takes the owner's view; `None` when it is older than what is known.
    pub(super) fn apply_state(&mut self, state: RoomState) -> Option<StateChange> {
        let epoch = Epoch(state.epoch);
        let outdated = epoch == self.epoch && self.version > Some(state.version);
        if outdated || !self.note_epoch(epoch) {
            return None;
        }
        self.version = Some(state.version);
        let mut change = StateChange { closed: state.closed, ..StateChange::default() };
        if let Some(info) = state.info {
            let before = (self.counts(), self.title());
            self.info = info;
            change.counts = before.0 != self.counts();
            change.title = before.1 != self.title();
        }
        change.malformed = self.apply_hands(state.hands, &mut change.hands);
        let claimed = state.stage.len();
        let stage: Vec<Member> =
            state.stage.into_iter().take(STAGE_MAX).filter_map(member).collect();
        change.malformed += claimed - stage.len();
        let stays = |track: &TrackId| stage.iter().any(|member| member.track == Some(*track));
        change.gone = self.stage.iter().filter_map(|m| m.track).filter(|t| !stays(t)).collect();
        self.stage = stage;
        let roster = Roster {
            stage: self.stage.iter().map(|member| member.shown.clone()).collect(),
            listeners: self.info.listeners,
        };
        change.roster = self.roster.stage != roster.stage;
        if *self.roster != roster {
            self.roster = Arc::new(roster);
        }
        Some(change)
    }

    /// Takes the queue of hands; says how many of them could not be read.
    fn apply_hands(&mut self, claimed: Vec<Hand>, changed: &mut bool) -> usize {
        let count = claimed.len();
        let hands: Vec<_> = claimed.into_iter().take(HANDS_MAX).filter_map(hand).collect();
        *changed = *self.hands != *hands;
        let malformed = count - hands.len();
        if *changed {
            self.hands = hands.into();
        }
        malformed
    }

    /// Takes the owner's choice of speakers; `false` when it is older than what is known.
    pub(super) fn apply_selection(&mut self, selection: &Selection) -> bool {
        let epoch = Epoch(selection.epoch);
        if epoch < self.epoch || self.decision > Some(selection.decision) {
            return false;
        }
        self.decision = Some(selection.decision);
        let tracks: Vec<TrackId> =
            selection.selected.iter().take(TRACKS_MAX).map(|s| TrackId(s.track)).collect();
        self.audience_lane.select(&tracks);
        true
    }

    /// A track will not be heard again for now. Says in which lanes it had a slot. Which of its frames have come stays known:
    /// a room that changes its owner may seem to be without its stage for a moment.
    pub(super) fn forget(&mut self, track: TrackId, now: Instant) -> [(Class, bool); 2] {
        [
            (Class::Stage, self.stage_lane.free(track, now)),
            (Class::Audience, self.audience_lane.free(track, now)),
        ]
    }

    /// Whose microphone a remote track is.
    pub(super) fn speaker_of(&self, track: TrackId) -> Option<ParticipantId> {
        let on_stage = self.stage.iter().find(|member| member.track == Some(track));
        on_stage
            .map(|member| member.shown.participant.clone())
            .or_else(|| self.lanes.speaker_of(track))
            .or_else(|| self.tracks.participant_of(track))
    }
}

fn hand(wire: Hand) -> Option<RaisedHand> {
    let participant = ParticipantId::new(wire.participant).ok()?;
    let (name, raised_ms, invited) = (wire.name, wire.raised_ms, wire.invited);
    Some(RaisedHand { participant, name, raised_ms, invited })
}

fn member(wire: StageMember) -> Option<Member> {
    let participant = ParticipantId::new(wire.participant).ok()?;
    let track = (wire.track != 0).then_some(TrackId(wire.track));
    let shown =
        RosterMember { participant, name: wire.name, role: role_of(wire.role), muted: wire.muted };
    Some(Member { shown, track })
}
