//! Requests that wait for the successor of a lost owner, so that a take-over is a pause and not an
//! error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_protocol::ids::RoomId;

use super::answers::Failure;
use super::hub::{Hub, Timer, count};
use super::requests::{Errand, ORPHAN_HOLD};
use super::ways::room_of;
use crate::webrtc::RoomKey;

/// Requests that wait at a time; more are answered 503.
const HELD_MAX: usize = 1_000;

/// How often others are asked about a room that has nobody here: they do not tell of its new owner.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What waits, by room, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Held {
    rooms: BTreeMap<RoomId, Vec<Waiting>>,
    len: usize,
}

#[derive(Debug)]
struct Waiting {
    errand: Errand,
    until: Instant,
    /// When to ask somebody else meanwhile.
    again_at: Option<Instant>,
}

impl Held {
    fn take_of(&mut self, room: &RoomId) -> Vec<Errand> {
        let waiting = self.rooms.remove(room).unwrap_or_default();
        self.len -= waiting.len();
        waiting.into_iter().map(|waiting| waiting.errand).collect()
    }

    /// What has waited long enough for its owner, or for being asked again; the latter is marked.
    fn take_due(&mut self, now: Instant) -> Vec<(bool, Errand)> {
        let mut due = Vec::new();
        self.rooms.retain(|_, waiting| {
            let is_due = |w: &mut Waiting| w.until <= now || w.again_at.is_some_and(|at| at <= now);
            due.extend(waiting.extract_if(.., is_due).map(|w| (w.until > now, w.errand)));
            !waiting.is_empty()
        });
        self.len -= due.len();
        due
    }
}

impl Hub {
    /// Until when a question about a room is worth holding, if it is.
    pub(super) fn hold_until(&self, id: &RoomId, now: Instant) -> Option<Instant> {
        // Without anybody linked there is nobody who could take over.
        if self.parents.is_empty() {
            return None;
        }
        let room = self.directory.key_of(id).and_then(|key| self.directory.get(key));
        let lost_at = match room.filter(|room| room.is_orphan()) {
            Some(room) => room.orphaned_at,
            None => self.memory.owner_of(id).and_then(|node| self.memory.lost_at(node)),
        };
        lost_at.map(|at| at + ORPHAN_HOLD).filter(|until| *until > now)
    }

    /// Keeps a question for the room's next owner, if that is to be expected soon.
    pub(super) fn hold(&mut self, errand: Errand, now: Instant) -> Result<(), Box<Errand>> {
        let room = errand.ask.as_ref().and_then(room_of).and_then(|room| RoomId::new(room).ok());
        let room = room.filter(|_| errand.is_repeatable());
        let until = room.as_ref().and_then(|room| self.hold_until(room, now));
        let (Some(room), Some(until)) = (room, until) else { return Err(Box::new(errand)) };
        if self.held.len >= HELD_MAX {
            self.metrics.limits.held.inc();
            return Err(Box::new(errand));
        }
        let until = until.min(errand.last_chance);
        let is_here = self.directory.key_of(&room).is_some();
        let again_at = (!is_here).then_some(now + ASK_AGAIN_AFTER);
        self.set_timer(again_at.map_or(until, |at| at.min(until)), Timer::Held);
        if again_at.is_some() {
            self.set_timer(until, Timer::Held);
        }
        self.held.rooms.entry(room).or_default().push(Waiting { errand, until, again_at });
        self.held.len += 1;
        self.count_held();
        Ok(())
    }

    /// The room has an owner.
    pub(super) fn release(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get(key).map(|room| room.id.clone()) else { return };
        for errand in self.held.take_of(&room) {
            self.metrics.ownership.held_asked.inc();
            self.ask_again(errand, now);
        }
        self.count_held();
    }

    /// Some have waited long enough.
    pub(super) fn fire_held(&mut self, now: Instant) {
        for (again, errand) in self.held.take_due(now) {
            if again {
                self.ask_again(errand, now);
            } else {
                self.metrics.ownership.held_given_up.inc();
                self.fail(&errand.purpose, Failure::LinkLost, now);
            }
        }
        self.count_held();
    }

    fn count_held(&self) {
        self.metrics.ownership.held.set(count(self.held.len));
    }
}
