//! One room with everything that its owner keeps for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_audio::recent::Recent;
use stoa_link::LinkId;
use stoa_protocol::mesh::control::RoomInfo;

use super::handovers::Handover;
use super::origins::{Moving, Standby};
use super::tree::{Branches, Lanes, Told};
use crate::cluster::Moves;
use crate::room::{FEEDS_MAX, Room};
use crate::stage::Stage;
use crate::store::Ownership;
use stoa_link::Subscriptions;

/// Names a room within this process; never used again, so that a late timer or route for a room
/// that has ended finds nothing instead of its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomKey(pub(super) u64);

/// One room, its stage and its tree.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) room: Room,
    pub(super) stage: Stage,
    pub(super) tree: Subscriptions,
    /// The entry of this room in the service's timers; may be earlier than needed.
    pub(super) scheduled: Option<Instant>,
    /// How many of this room are in its tenant's sum.
    pub(super) counted: usize,
    /// Who answers for it, as this origin has last asked the store to have it.
    pub(super) ownership: Ownership,
    /// Who would take it over.
    pub(super) standby: Option<Standby>,
    /// How well it is placed.
    pub(super) moves: Moves,
    /// What waits while it goes to another origin.
    pub(super) moving: Option<Moving>,
    /// Tracks that are announced.
    pub(super) tracks: BTreeSet<TrackId>,
    /// What was heard in the last moments.
    pub(super) recent: Recent,
    /// Tracks of people who have moved, and what is heard until these bring their voices.
    pub(super) handovers: BTreeMap<TrackId, Handover>,
    /// What its standby knows of who speaks.
    pub(super) voices_told: Told,
    /// What the edges of its stage know of each other.
    pub(super) lanes: Lanes,
    /// Along which edges it is spread.
    pub(super) branches: Branches,
    /// When to look at that again.
    pub(super) plan_at: Option<Instant>,
    /// The edges and the root of the blue tree that it was planned for.
    pub(super) planned_for: (Vec<LinkId>, Option<LinkId>),
}

impl Hall {
    pub(super) fn new(room: Room, ownership: Ownership) -> Self {
        Self {
            room,
            stage: Stage::default(),
            tree: Subscriptions::default(),
            scheduled: None,
            counted: 0,
            ownership,
            standby: None,
            moves: Moves::default(),
            moving: None,
            tracks: BTreeSet::new(),
            recent: Recent::default(),
            handovers: BTreeMap::new(),
            voices_told: Told::default(),
            lanes: Lanes::default(),
            branches: Branches::default(),
            plan_at: None,
            planned_for: (Vec::new(), None),
        }
    }

    /// The links that hear of this room, each once: somebody is here through them, or they subscribe.
    pub(super) fn links(&self) -> BTreeSet<LinkId> {
        let mut links = self.tree.links();
        links.extend(self.room.links());
        links
    }

    /// What everybody may know of the room.
    pub(super) fn info(&self) -> RoomInfo {
        let feeds_effective = Some(self.branches.feeds_effective().into());
        RoomInfo { feeds_effective, ..self.room.info() }
    }

    /// Who roots the blue tree: the standby, unless the room is to have one feed.
    pub(super) fn blue_root(&self) -> Option<&Standby> {
        self.standby.as_ref().filter(|_| self.room.settings().feeds == FEEDS_MAX)
    }

    /// Whether `link` hears of this room.
    pub(super) fn has_link(&self, link: LinkId) -> bool {
        self.room.has_link(link) || self.tree.has_link(link)
    }

    /// When this room expires if nobody comes.
    pub(super) fn expires_at(&self, empty_room_life: Duration) -> Option<Instant> {
        self.room.empty_since().map(|since| since + empty_room_life)
    }

    /// When anything in this room is due.
    pub(super) fn poll_timeout(&self, empty_room_life: Duration, now: Instant) -> Option<Instant> {
        [
            self.room.poll_timeout(now),
            self.stage.poll_timeout(),
            self.tree.poll_timeout(),
            self.expires_at(empty_room_life),
            self.moving.as_ref().map(|moving| moving.until),
            self.plan_at,
            self.handovers.values().map(|handover| handover.until).min(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
