//! Deadlines, and what this edge tells of its load.

use std::time::{Duration, Instant};

use stoa_protocol::mesh::control::{self, Body};

use super::hub::{Hub, Timer};
use super::joins::Departure;
use super::seat::Seat;
use crate::webrtc::{Class, RoomKey};

/// How often parents hear what this edge carries.
pub(super) const LOAD_INTERVAL: Duration = Duration::from_secs(1);

impl Hub {
    /// Does what is due. Call at [`Self::poll_timeout`]; earlier calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire_requests(now);
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            self.fire(timer, now);
        }
    }

    fn fire(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::Connect(id) => {
                // Attaching has set a later deadline, with a timer of its own.
                let late = |seat: &Seat| !seat.connected && seat.connect_by <= now;
                if self.seats.get(id).is_some_and(late) {
                    self.remove_seat(id, Departure::Ended("never-connected"), now);
                }
            }
            Timer::Moved(id) => self.end_move(id, now),
            Timer::News(key, news) => self.fire_news(key, news, now),
            Timer::Reactions(key) => self.fire_reactions(key, now),
            Timer::StageSlots(key) => self.fire_slots(key, Class::Stage, now),
            Timer::AudienceSlots(key) => self.fire_slots(key, Class::Audience, now),
            Timer::Voices => self.give_voices(now),
            Timer::Linger(key) => self.unsubscribe(key, now),
            Timer::Rejoin => self.retry_rejoins(now),
            Timer::Held => self.fire_held(now),
            Timer::Orphans => self.fire_orphans(now),
            Timer::Load => self.tell_load(now),
            Timer::Feeds(key) => self.settle_feeds(key, now),
            Timer::Silence(key) => self.fire_silence(key, now),
        }
    }

    fn fire_slots(&mut self, key: RoomKey, class: Class, now: Instant) {
        if self.directory.get_mut(key).is_some_and(|room| room.lane(class).pace.take(now)) {
            self.tell_slots(key, class);
        }
    }

    /// From now on parents hear of the load, while there are any.
    pub(super) fn start_load(&mut self, now: Instant) {
        if !self.load_paced {
            self.load_paced = true;
            self.set_timer(now + LOAD_INTERVAL, Timer::Load);
        }
    }

    fn tell_load(&mut self, now: Instant) {
        let links: Vec<_> = self.parents.links().collect();
        self.load_paced = !links.is_empty();
        if self.load_paced {
            self.set_timer(now + LOAD_INTERVAL, Timer::Load);
        }
        self.tell_paths();
        let participants = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        let used = self.seats.len().saturating_mul(1_000) / self.limits.participants_max.max(1);
        let used_permille = u32::try_from(used).unwrap_or(u32::MAX).min(1_000);
        for link in links {
            self.send(link, Body::Load(control::Load { participants, used_permille }));
        }
    }
}
