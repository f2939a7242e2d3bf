//! Rooms of this origin go where their speakers are nearer. The target becomes the standby first, and the blue tree hangs
//! from it before the room is handed over, so that one of the two feeds goes on all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_protocol::ids::{NodeId, Region, RoomId};

use super::network::Readiness;
use crate::service::core::Service;
use crate::service::hall::{Hall, RoomKey};

/// Rooms that are on their way at once; others wait.
pub(in crate::service) const MOVES_AT_ONCE: usize = 4;

/// Each room is looked at once in so many looks, of which there are two a second.
const LOOKS: usize = 10;

/// How long a target that is ready waits: edges must have turned to it for the blue feed.
const FEED_SETTLES: Duration = Duration::from_secs(3);

/// A room that has not gone by then stays.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// A room that is to move.
#[derive(Debug)]
pub(in crate::service) struct Relocation {
    to: NodeId,
    /// Since when the target could take it.
    ready_at: Option<Instant>,
    until: Instant,
}

/// Rooms that are to move, and where to look next.
#[derive(Debug, Default)]
pub(in crate::service) struct Relocations {
    rooms: BTreeMap<RoomKey, Relocation>,
    next: Option<RoomKey>,
}

impl Relocations {
    pub(in crate::service) fn contains(&self, key: RoomKey) -> bool {
        self.rooms.contains_key(&key)
    }

    #[cfg(test)]
    pub(in crate::service) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(in crate::service) fn forget(&mut self, key: RoomKey) {
        self.rooms.remove(&key);
    }
}

impl Service {
    /// Where this origin is, as far as its region says.
    pub fn locate(&mut self, region: &Region, now: Instant) {
        let node = self.node.clone();
        self.trees.map.handle_origin(&node, region, now);
    }

    /// Moves rooms to better origins; called twice a second. Without the store, or when this origin leaves, nothing begins.
    pub(in crate::service) fn place_rooms(&mut self, now: Instant) {
        if !self.network.is_shared() || !self.network.tenure.holds(now) || self.is_draining() {
            return;
        }
        let moving: Vec<RoomKey> = self.relocations.rooms.keys().copied().collect();
        for key in moving {
            self.carry_on(key, now);
        }
        let count = self.halls.len() / LOOKS + 1;
        let from = self.relocations.next.unwrap_or(RoomKey(0));
        let mut keys = self.halls.range(from..).map(|(key, _)| *key);
        let looked: Vec<RoomKey> = keys.by_ref().take(count).collect();
        self.relocations.next = keys.next();
        for key in looked {
            if let Some(to) = self.better_place(key, now) {
                self.relocate(key, to, now);
            }
        }
    }

    /// The origin that a room should move to.
    fn better_place(&mut self, key: RoomKey, now: Instant) -> Option<NodeId> {
        if self.relocations.contains(key) {
            return None;
        }
        let hall = self.halls.get_mut(&key).filter(|hall| hall.moving.is_none())?;
        let mut speakers: BTreeMap<&NodeId, f32> = BTreeMap::new();
        for one in hall.room.on_stage().filter(|one| one.link().is_some()) {
            *speakers.entry(&one.node).or_default() += 1.0;
        }
        let map = &self.trees.map;
        let mean_ms = |from: &NodeId| {
            let delays =
                speakers.iter().map(|(to, count)| Some((map.known_ms(from, to, now)?, count)));
            let (sum, all) = delays.into_iter().try_fold((0.0, 0.0), |(sum, all), delay| {
                let (ms, count) = delay?;
                Some((sum + ms * count, all + count))
            })?;
            (all > 0.0).then(|| sum / all)
        };
        let others: BTreeSet<&NodeId> = self
            .network
            .origins
            .values()
            .filter(|origin| !origin.draining)
            .map(|origin| &origin.peer.node)
            .filter(|node| self.network.live.iter().any(|live| live.node == **node))
            .collect();
        let here_ms = mean_ms(&self.node);
        let others: Vec<_> =
            others.into_iter().filter_map(|node| Some((node, mean_ms(node)?))).collect();
        let room: RoomId = hall.room.id().clone();
        match here_ms {
            Some(here_ms) => hall.moves.consider(&room, here_ms, &others, now).cloned(),
            None => {
                hall.moves.rest();
                None
            }
        }
    }

    fn relocate(&mut self, key: RoomKey, to: NodeId, now: Instant) {
        if self.relocations.rooms.len() >= MOVES_AT_ONCE {
            self.network.counts.moves_put_off += 1;
            return;
        }
        let Some(link) = self.network.link_of(&to) else { return };
        let Some(hall) = self.halls.get_mut(&key) else { return };
        hall.moves.settle(now);
        tracing::info!(room = %hall.room.id(), %to, "this room is to move to where its speakers are nearer");
        let stands_by = hall.standby.as_ref().is_some_and(|standby| standby.node == to);
        let relocation = Relocation { to: to.clone(), ready_at: None, until: now + GIVEN_UP_AFTER };
        self.relocations.rooms.insert(key, relocation);
        if !stands_by {
            self.drop_standby(key, now);
            self.tell_room(key, link, to);
        }
    }

    /// Hands a room over once its target holds everything and the blue feed comes from there.
    fn carry_on(&mut self, key: RoomKey, now: Instant) {
        let Some(relocation) = self.relocations.rooms.get_mut(&key) else { return };
        let Some(hall) = self.halls.get(&key) else {
            self.relocations.forget(key);
            return;
        };
        let target = hall.standby.as_ref().filter(|standby| standby.node == relocation.to);
        if target.is_none() || relocation.until <= now {
            self.relocations.forget(key);
            return self.improve_standby(key, now);
        }
        if target.is_some_and(|standby| standby.state == Readiness::Ready) {
            let since = *relocation.ready_at.get_or_insert(now);
            if now.saturating_duration_since(since) >= FEED_SETTLES {
                self.hand_over(key, now);
            }
        } else {
            relocation.ready_at = None;
        }
    }

    /// A room that stays gets a standby as any other, if its target did not become one.
    fn improve_standby(&mut self, key: RoomKey, now: Instant) {
        let unready = |hall: &&Hall| {
            hall.standby.as_ref().is_some_and(|standby| standby.state != Readiness::Ready)
        };
        if self.halls.get(&key).filter(unready).is_some() {
            self.drop_standby(key, now);
        }
        self.assign_standby(key, now);
    }
}
