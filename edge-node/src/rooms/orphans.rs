//! What origins hear of rooms here that have lost their owner: an owner that many edges have lost is
//! dead, one that a single edge has lost is not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Body, Orphans, ROOMS_PER_MESSAGE_MAX, RoomEpoch};

use super::hub::{Hub, Timer, count};
use super::pace::{Due, Pace};

/// Least time between two looks at what has changed; a lost link is told at once.
const TELL_INTERVAL: Duration = Duration::from_millis(250);

/// What all linked origins have been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    owners: BTreeMap<NodeId, Vec<RoomEpoch>>,
    pace: Pace,
}

impl Hub {
    /// Orphans have come, or found an owner.
    pub(super) fn note_orphans(&mut self, now: Instant) {
        match self.orphans.pace.note(TELL_INTERVAL, now) {
            Due::Now => self.tell_orphans(),
            Due::At(at) => self.set_timer(at, Timer::Orphans),
            Due::Later => {}
        }
    }

    /// Somebody has come or gone, or a room has ended: it may have been the last of an orphan.
    pub(super) fn orphans_may_change(&mut self, now: Instant) {
        if !self.orphans.owners.is_empty() {
            self.note_orphans(now);
        }
    }

    pub(super) fn fire_orphans(&mut self, now: Instant) {
        if self.orphans.pace.take(now) {
            self.tell_orphans();
        }
    }

    /// Tells every origin what has changed since it was told last.
    pub(super) fn tell_orphans(&mut self) {
        let lost = self.lost_owners();
        self.metrics.ownership.orphans.set(count(lost.values().map(Vec::len).sum()));
        let told = std::mem::take(&mut self.orphans.owners);
        let owners: BTreeSet<NodeId> = told.keys().chain(lost.keys()).cloned().collect();
        for owner in owners {
            let (before, rooms) = (told.get(&owner), lost.get(&owner));
            if before == rooms {
                continue;
            }
            let messages = messages_of(&owner, rooms.map_or(&[], Vec::as_slice));
            for link in self.parents.each().into_iter().filter(|(node, _)| *node != owner) {
                self.say(link.1, &messages);
            }
        }
        self.orphans.owners = lost;
    }

    /// Tells an origin that is newly linked everything.
    pub(super) fn tell_orphans_over(&mut self, link: LinkId) {
        let node = self.parents.node_of(link);
        let told = self.orphans.owners.iter().filter(|(owner, _)| Some(*owner) != node);
        let messages: Vec<Orphans> =
            told.flat_map(|(owner, rooms)| messages_of(owner, rooms)).collect();
        self.say(link, &messages);
    }

    fn say(&mut self, link: LinkId, messages: &[Orphans]) {
        for message in messages {
            self.send(link, Body::Orphans(message.clone()));
        }
    }

    fn lost_owners(&self) -> BTreeMap<NodeId, Vec<RoomEpoch>> {
        let mut lost: BTreeMap<NodeId, Vec<RoomEpoch>> = BTreeMap::new();
        let rooms = self.directory.iter();
        for room in rooms.filter(|room| room.is_orphan() && !room.seats.is_empty()) {
            let Some(owner) = &room.owner_node else { continue };
            let orphan = RoomEpoch { room: room.id.as_str().to_owned(), epoch: room.epoch().0 };
            lost.entry(owner.clone()).or_default().push(orphan);
        }
        lost
    }
}

/// The first message replaces what was said before, the others go on.
fn messages_of(owner: &NodeId, rooms: &[RoomEpoch]) -> Vec<Orphans> {
    let owner = owner.as_str().to_owned();
    if rooms.is_empty() {
        return vec![Orphans { owner, ..Orphans::default() }];
    }
    let parts = rooms.chunks(ROOMS_PER_MESSAGE_MAX).enumerate();
    parts
        .map(|(index, rooms)| Orphans {
            owner: owner.clone(),
            rooms: rooms.to_vec(),
            more: index > 0,
        })
        .collect()
}
