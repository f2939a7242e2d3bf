//! What an origin knows of the others, and what it is about to do with their rooms.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use stoa_audio::frame::Epoch;
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Load, Request};

use crate::cluster::{Directory, LiveOrigin, Replica, Tenure, Votes};
use crate::service::hall::RoomKey;
use crate::store::{LEASE_LIFE, Ownership};

/// How long a standby that has the majority of a room's edges waits for the store before it goes on without.
pub(in crate::service) const CLAIM_WITHIN: Duration = Duration::from_millis(400);

/// How long an owner without a lease is left alone by those who are not its standby.
pub(in crate::service) const STANDBY_FIRST: Duration = LEASE_LIFE;

/// How long the standbys of a restarted owner have to take its rooms; then it takes them from the store. Its lease has run
/// out before it starts, so they have had two seconds more, and everybody hears again within five of its start.
pub(in crate::service) const LEFT_TO_STANDBY: Duration = Duration::from_secs(3);

/// How long a room is still taken for that of an owner who does not name it: who was restarted may have left it to a standby
/// that was restarted, too, and nobody may be told meanwhile that there is no such room.
pub(in crate::service) const FADES_AFTER: Duration = Duration::from_secs(15);

/// How long a room may take to move to another origin before this one goes on.
pub(in crate::service) const MOVE_WITHIN: Duration = Duration::from_secs(5);

/// Requests that wait for a room which moves; more are refused.
pub(in crate::service) const HELD_MAX: usize = 256;

/// Replicas of other origins' rooms that one origin holds.
pub(in crate::service) const REPLICAS_MAX: usize = 20_000;

/// Everything about other origins.
#[derive(Debug)]
pub(in crate::service) struct Network {
    pub(in crate::service) tenure: Tenure,
    /// What fails together with this origin.
    pub(in crate::service) domain: String,
    pub(in crate::service) origins: BTreeMap<LinkId, Origin>,
    /// Origins with a lease, as last read.
    pub(in crate::service) live: Vec<LiveOrigin>,
    /// Owners without a lease, and since when.
    pub(in crate::service) missing: BTreeMap<NodeId, Instant>,
    pub(in crate::service) directory: Directory,
    pub(in crate::service) replicas: BTreeMap<RoomId, Replica>,
    pub(in crate::service) votes: Votes,
    pub(in crate::service) takings: BTreeMap<RoomId, Taking>,
    /// Rooms of this origin's former run that are left to their standbys, and until when.
    pub(in crate::service) left: BTreeMap<RoomId, Instant>,
    pub(in crate::service) counts: NetworkCounts,
    /// Rooms that their owners have not named, when they are forgotten, and the epoch in which they were known.
    pub(in crate::service) fading: VecDeque<(Instant, RoomId, Epoch)>,
    /// How many people of each tenant others know of in rooms of this origin.
    pub(in crate::service) people_told: BTreeMap<String, usize>,
}

/// Another origin that is linked.
#[derive(Debug)]
pub(in crate::service) struct Origin {
    pub(in crate::service) peer: PeerName,
    pub(in crate::service) load: Load,
    pub(in crate::service) draining: bool,
    /// The number of the last replica message to it.
    pub(in crate::service) told: u64,
    /// Rooms that it is being told from the beginning, by the number of the last message of it.
    pub(in crate::service) copying: BTreeMap<u64, RoomKey>,
    /// How many people of each tenant are in its rooms.
    pub(in crate::service) people: BTreeMap<String, usize>,
}

/// Who takes a room over when its owner is gone, and how far that is prepared.
#[derive(Debug)]
pub(in crate::service) struct Standby {
    pub(in crate::service) link: LinkId,
    pub(in crate::service) node: NodeId,
    pub(in crate::service) state: Readiness,
    /// Links with people in the room, as it was told.
    pub(in crate::service) told: Vec<LinkId>,
}

/// How far a standby is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Readiness {
    /// It is being told the room.
    Copying,
    /// It knows everything; the store is to name it.
    Naming,
    /// It is named: what it holds is acknowledged.
    Ready,
}

/// A room that is about to move to its standby.
#[derive(Debug)]
pub(in crate::service) struct Moving {
    pub(in crate::service) until: Instant,
    pub(in crate::service) held: VecDeque<(LinkId, Request)>,
}

/// Why a room of another origin is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Most of the room's edges have lost its owner, and so has this origin.
    Majority,
    /// Its owner has no lease any more.
    Expired,
    /// Its owner hands it over.
    HandOver,
    /// Its owner was restarted, and knows less than its standby.
    Restarted,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Majority, Self::Expired, Self::HandOver, Self::Restarted];

    /// The value of the metric's `reason` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::Expired => "lease_expired",
            Self::HandOver => "hand_over",
            Self::Restarted => "owner_restarted",
        }
    }
}

/// Why a room was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// Its speakers are nearer to the other origin.
    Nearer,
    /// This origin leaves.
    Leaving,
}

impl Moved {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::Nearer, Self::Leaving];

    /// The value of the metric's `reason` label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Nearer => "nearer_speakers",
            Self::Leaving => "origin_leaves",
        }
    }
}

/// A room that this origin is taking.
#[derive(Debug)]
pub(in crate::service) struct Taking {
    pub(in crate::service) why: Why,
    pub(in crate::service) next: Ownership,
    pub(in crate::service) step: Step,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Step {
    /// What the store has of it is being read, to know whom to claim it from.
    Looking,
    /// The store was asked; without an answer until then the room is taken all the same.
    Asked {
        /// When; never where the store alone decides.
        until: Option<Instant>,
    },
    /// The store has agreed; what it has of the room is being read.
    Loading,
    /// It was taken without the store, whose answer is still to come.
    Taken,
}

/// What happened among origins since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounts {
    /// Rooms taken from other origins, by reason.
    pub taken: BTreeMap<Why, u64>,
    /// Rooms that others have taken.
    pub given_up: u64,
    /// Of these, rooms that this origin has handed over, by reason.
    pub moved: BTreeMap<Moved, u64>,
    /// Looks at rooms that would be better placed elsewhere while as many as may are moving.
    pub moves_put_off: u64,
    /// Requests refused because another origin may answer for the room.
    pub uncertain: u64,
    /// Messages of owners that were replaced already.
    pub superseded: u64,
    /// Messages beyond a limit: replicas, votes, held requests.
    pub over_limit: u64,
}

impl Network {
    pub(in crate::service) fn new() -> Self {
        Self {
            tenure: Tenure::Alone,
            domain: String::new(),
            origins: BTreeMap::new(),
            live: Vec::new(),
            missing: BTreeMap::new(),
            directory: Directory::default(),
            replicas: BTreeMap::new(),
            votes: Votes::default(),
            takings: BTreeMap::new(),
            left: BTreeMap::new(),
            counts: NetworkCounts::default(),
            fading: VecDeque::new(),
            people_told: BTreeMap::new(),
        }
    }

    /// Whether there can be other origins.
    pub(in crate::service) fn is_shared(&self) -> bool {
        self.tenure != Tenure::Alone
    }

    /// The link to an origin; the newest of two.
    pub(in crate::service) fn link_of(&self, node: &NodeId) -> Option<LinkId> {
        let same = |(_, origin): &(&LinkId, &Origin)| origin.peer.node == *node;
        self.origins.iter().rev().find(same).map(|(link, _)| *link)
    }

    /// What fails together with an origin.
    pub(in crate::service) fn domain_of<'a>(&'a self, peer: &'a PeerName) -> &'a str {
        let told = self.live.iter().find(|live| live.node == peer.node);
        told.map_or(peer.region.as_str(), |live| live.home.domain.as_str())
    }

    /// The epoch in which a room was left to its standby.
    pub(in crate::service) fn epoch_left(&self, room: &RoomId) -> Option<Epoch> {
        self.left.get(room)?;
        self.directory.find(room).map(|known| known.epoch)
    }

    /// When the next taking goes on without the store.
    pub(in crate::service) fn poll_timeout(&self) -> Option<Instant> {
        let due = |taking: &Taking| match taking.step {
            Step::Asked { until } => until,
            _ => None,
        };
        let due = self.takings.values().filter_map(due);
        due.chain(self.left.values().copied()).min()
    }
}
