//! What an origin keeps for the trees of all rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_protocol::ids::{NodeId, RoomId};

use super::blue::Blue;
use super::map::Map;

/// What an origin keeps for the trees of all rooms.
#[derive(Debug)]
pub(in crate::service) struct Trees {
    /// Which edges there are, and how far from each other.
    pub(in crate::service) map: Map,
    /// When edges are told anew whom to keep links to, and how often they were.
    pub(super) neighbours_at: Option<Instant>,
    pub(super) probe_round: u64,
    /// Edges that have yet to be told in this round.
    pub(super) unnamed: BTreeSet<NodeId>,
    /// When the next room with a plan may be looked at, by how soon that is wanted.
    plan_free_at: BTreeMap<Duration, Instant>,
    /// Rooms of other origins of which this one roots the blue tree, and whose tracks are.
    pub(in crate::service) blue: BTreeMap<RoomId, Blue>,
    pub(super) blue_tracks: BTreeMap<TrackId, RoomId>,
}

impl Trees {
    /// Nothing yet, of a network whose origins send one room to so many children.
    pub(in crate::service) fn new(origin_fan_out: u16) -> Self {
        let (unnamed, plan_free_at, blue, blue_tracks) = Default::default();
        let map = Map::new(origin_fan_out);
        Self { map, neighbours_at: None, probe_round: 0, unnamed, plan_free_at, blue, blue_tracks }
    }

    /// The first free time from `now + within` on; the next one is a `spacing` later.
    pub(super) fn reserve(&mut self, now: Instant, within: Duration, spacing: Duration) -> Instant {
        let free = self.plan_free_at.entry(within).or_insert(now);
        let at = (now + within).max(*free);
        *free = at + spacing;
        at
    }

    /// When anything of it is due.
    pub(in crate::service) fn poll_timeout(&self) -> Option<Instant> {
        let blue = self.blue.values().filter_map(Blue::poll_timeout).min();
        [blue, self.neighbours_at].into_iter().flatten().min()
    }
}
