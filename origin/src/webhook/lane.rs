//! What waits for one endpoint, room by room: in order within a room, and no room waits for another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use stoa_protocol::ids::RoomId;

/// A message on its way to one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: Arc<str>,
    pub(super) body: Arc<[u8]>,
    pub(super) born: Instant,
    pub(super) tries: u32,
}

/// The messages of one room, the oldest first.
#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Message>,
    /// Whether the oldest is under way.
    under_way: bool,
    ready_at: Instant,
}

impl Lane {
    /// How many could be dropped: what is under way may arrive at any moment.
    fn droppable(&self) -> usize {
        self.waiting.len() - usize::from(self.under_way)
    }
}

/// The lanes of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_room: BTreeMap<RoomId, Lane>,
    /// Lanes that have something and nothing under way, by when it may be tried.
    schedule: BTreeSet<(Instant, RoomId)>,
    /// Lanes by how many of their messages could be dropped.
    by_length: BTreeSet<(usize, RoomId)>,
    waiting: usize,
    under_way: usize,
}

impl Lanes {
    /// How many messages wait or are under way.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// When the first lane may be tried that has nothing under way.
    pub(super) fn next_ready(&self) -> Option<Instant> {
        self.schedule.first().map(|(ready_at, _)| *ready_at)
    }

    pub(super) fn push(&mut self, room: &RoomId, message: Message, now: Instant) {
        self.change(room, now, |lane| lane.waiting.push_back(message));
        self.waiting += 1;
    }

    /// The room whose oldest message may be tried now, with that message.
    pub(super) fn take_ready(&mut self, now: Instant) -> Option<(RoomId, Message)> {
        let (ready_at, room) = self.schedule.first().cloned()?;
        if ready_at > now {
            return None;
        }
        let message = self.by_room.get(&room)?.waiting.front()?.clone();
        self.change(&room, now, |lane| lane.under_way = true);
        self.under_way += 1;
        Some((room, message))
    }

    /// The message under way has arrived, or is given up.
    pub(super) fn finish(&mut self, room: &RoomId, now: Instant) {
        let was_under_way = self.change(room, now, |lane| {
            let was = std::mem::take(&mut lane.under_way);
            if was {
                lane.waiting.pop_front();
                lane.ready_at = now;
            }
            was
        });
        if was_under_way {
            self.under_way -= 1;
            self.waiting -= 1;
        }
    }

    /// The message under way has not arrived and is tried again from `ready_at` on.
    pub(super) fn put_back(&mut self, room: &RoomId, ready_at: Instant, now: Instant) {
        let was_under_way = self.change(room, now, |lane| {
            let was = std::mem::take(&mut lane.under_way);
            if let Some(message) = lane.waiting.front_mut().filter(|_| was) {
                message.tries += 1;
                lane.ready_at = ready_at;
            }
            was
        });
        self.under_way -= usize::from(was_under_way);
    }

    /// Drops the oldest message that is not under way of the room that has most of them: a room that
    /// floods loses its own. Says whether there was one.
    pub(super) fn drop_oldest_of_longest(&mut self, now: Instant) -> bool {
        let Some((length, room)) = self.by_length.last().cloned() else { return false };
        if length == 0 {
            return false;
        }
        self.change(&room, now, |lane| lane.waiting.remove(usize::from(lane.under_way)));
        self.waiting -= 1;
        true
    }

    /// Changes a lane, making it if need be, and keeps the orders in step; an empty lane goes.
    fn change<T>(&mut self, room: &RoomId, now: Instant, change: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lane = match self.by_room.remove(room) {
            Some(lane) => {
                self.schedule.remove(&(lane.ready_at, room.clone()));
                self.by_length.remove(&(lane.droppable(), room.clone()));
                lane
            }
            None => Lane { waiting: VecDeque::new(), under_way: false, ready_at: now },
        };
        let changed = change(&mut lane);
        if lane.waiting.is_empty() {
            return changed;
        }
        if !lane.under_way {
            self.schedule.insert((lane.ready_at, room.clone()));
        }
        self.by_length.insert((lane.droppable(), room.clone()));
        self.by_room.insert(room.clone(), lane);
        changed
    }
}
