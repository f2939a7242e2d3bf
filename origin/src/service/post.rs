//! What this origin is to a room, for who looks at the whole network.

use std::collections::BTreeSet;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_protocol::ids::{NodeId, RoomId};

use super::core::Service;
use crate::tree::Flaw;

/// What an owner is to its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// In which epoch it owns it.
    pub epoch: Epoch,
    /// Who would take it over, and roots the blue tree of a room that has one.
    pub standby: Option<NodeId>,
    /// Whether it may act: by its lease, or with most of the room's edges.
    pub may_act: bool,
    /// How many feeds every edge has by its plan.
    pub feeds: u8,
    /// How many it is to have at most.
    pub feeds_wanted: u8,
    /// Whether it has asked the standby to take the room, and waits for that.
    pub moves: bool,
    /// Edges that it has lost and whose voices come over the standby.
    pub carried: BTreeSet<NodeId>,
}

impl Service {
    /// What this origin is to a room; `None` where it does not own it.
    #[must_use]
    pub fn post(&self, room: &RoomId, now: Instant) -> Option<Post> {
        let key = *self.rooms.get(room)?;
        let hall = self.halls.get(&key)?;
        Some(Post {
            epoch: hall.room.epoch(),
            standby: hall.standby.as_ref().map(|standby| standby.node.clone()),
            may_act: self.may_act(key, None, now),
            feeds: hall.branches.feeds_effective(),
            feeds_wanted: hall.room.settings().feeds,
            moves: hall.moving.is_some(),
            carried: hall
                .tracks
                .iter()
                .filter_map(|track| self.publications.get(track)?.carried.clone())
                .collect(),
        })
    }

    /// The first promise that a plan of this origin's rooms breaks.
    ///
    /// # Errors
    /// With that promise.
    pub fn check_plans(&self) -> Result<(), Flaw> {
        self.halls.values().try_for_each(|hall| hall.branches.check())
    }
}
