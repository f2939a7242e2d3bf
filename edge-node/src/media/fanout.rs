//! Who hears what. Each worker owns its listeners, packed per room in sending order, so that the
//! order of memory is the order of sending and every listener keeps his place in it.
//!
//! What to send is decided elsewhere: a [`Delivery`] names room, class and slot.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::kernel::Address;
use super::timeline::Timeline;
use super::{Listener, Outbox};
use crate::webrtc::{Class, Delivery, RoomKey, SLOTS_MAX, SessionId};

/// Rooms with listeners on one worker; deliveries to higher keys are dropped and counted.
pub const ROOMS_MAX: usize = 100_000;

/// Each listener gets a sender report this often.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// What the fan-out has done since the counters were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FanoutCounters {
    /// Packets handed to the outbox.
    pub packets: u64,
    /// Frames that came too late to be played.
    pub late_frames: u64,
    /// Packets that could not be sealed or were too long.
    pub failed_packets: u64,
    /// Deliveries to rooms, or listeners in rooms, beyond the limit.
    pub over_limit: u64,
}

/// All listeners of one worker.
#[derive(Default)]
pub struct Fanout {
    rooms: Vec<Room>,
    places: HashMap<SessionId, Place>,
    counters: FanoutCounters,
    reported_at: Option<Instant>,
}

#[derive(Default)]
struct Room {
    halls: [Hall; 2],
}

/// One class of one room.
#[derive(Default)]
struct Hall {
    slotted: Vec<Listener>,
    slots: [Timeline; SLOTS_MAX],
    single: Vec<Listener>,
    dominant: Timeline,
    /// Listeners, counted through `slotted` and `single`, whose report comes next; with a fraction
    /// in thousandths, so that a few listeners are not reported too often.
    next_report: usize,
    report_debt: u64,
}

#[derive(Clone, Copy)]
struct Place {
    room: usize,
    class: Class,
    single: bool,
    at: usize,
}

impl Fanout {
    /// Takes a listener in; says whether there was room. `single` listeners have one stream, which
    /// carries the dominant speaker.
    pub fn add(&mut self, room: RoomKey, class: Class, single: bool, listener: Listener) -> bool {
        let Some(room) = usize::try_from(room.0).ok().filter(|room| *room < ROOMS_MAX) else {
            self.counters.over_limit += 1;
            return false;
        };
        if self.rooms.len() <= room {
            self.rooms.resize_with(room + 1, Room::default);
        }
        let session = listener.session();
        let list = self.rooms[room].hall(class).list(single);
        self.places.insert(session, Place { room, class, single, at: list.len() });
        list.push(listener);
        true
    }

    /// Says goodbye to a listener and forgets him.
    pub fn remove(&mut self, session: SessionId, now: Instant, ntp: u64, out: &mut impl Outbox) {
        let Some(place) = self.places.remove(&session) else { return };
        let hall = self.rooms[place.room].hall(place.class);
        let clocks = hall.clocks(place.single, now);
        let list = hall.list(place.single);
        let mut gone = list.swap_remove(place.at);
        if let Some(moved) = list.get(place.at) {
            self.places.insert(moved.session(), place);
        }
        gone.report(&clocks, ntp, true, out);
        let room = &mut self.rooms[place.room];
        if room.halls.iter().all(Hall::is_empty) {
            // The key may be given to another room, whose timeline is its own.
            *room = Room::default();
        }
    }

    /// A listener's packets go elsewhere from now on.
    pub fn redirect(&mut self, session: SessionId, to: Address) {
        let Some(place) = self.places.get(&session).copied() else { return };
        let list = self.rooms[place.room].hall(place.class).list(place.single);
        if let Some(listener) = list.get_mut(place.at) {
            listener.redirect(to);
        }
    }

    /// Sends a frame to everybody whom the delivery names.
    pub fn deliver(&mut self, delivery: &Delivery, now: Instant, out: &mut impl Outbox) {
        let room = usize::try_from(delivery.room.0).ok();
        let Some(room) = room.and_then(|room| self.rooms.get_mut(room)) else { return };
        let hall = room.hall(delivery.class);
        let slot = usize::from(delivery.slot);
        let Some(timeline) = hall.slots.get_mut(slot) else {
            self.counters.over_limit += 1;
            return;
        };
        let payload = &delivery.frame.payload[..];
        let placed = timeline.place(&delivery.frame, now);
        let dominant =
            if delivery.dominant { hall.dominant.place(&delivery.frame, now) } else { None };
        self.counters.late_frames += u64::from(placed.is_none());
        for (listeners, slot, placed) in
            [(&mut hall.slotted, slot, placed), (&mut hall.single, 0, dominant)]
        {
            let Some(placed) = placed else { continue };
            for listener in listeners {
                if delivery.except == Some(listener.session()) {
                    continue;
                }
                match listener.send(slot, placed, payload, out) {
                    Ok(sent) => self.counters.packets += u64::from(sent),
                    Err(_) => self.counters.failed_packets += 1,
                }
            }
        }
    }

    /// Sends the sender reports that are due; call it every 20 to 1,000 ms. `ntp` is the NTP
    /// timestamp of `now`.
    pub fn handle_timeout(&mut self, now: Instant, ntp: u64, out: &mut impl Outbox) {
        let last = self.reported_at.replace(now).unwrap_or(now);
        let elapsed = now.saturating_duration_since(last).min(REPORT_INTERVAL);
        for hall in self.rooms.iter_mut().flat_map(|room| &mut room.halls) {
            hall.report(elapsed, now, ntp, out);
        }
    }

    /// How many listeners there are.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.places.len()
    }

    /// What was done since the last call.
    pub fn take_counters(&mut self) -> FanoutCounters {
        std::mem::take(&mut self.counters)
    }
}

impl Room {
    fn hall(&mut self, class: Class) -> &mut Hall {
        &mut self.halls[match class {
            Class::Stage => 0,
            Class::Audience => 1,
        }]
    }
}

impl Hall {
    fn list(&mut self, single: bool) -> &mut Vec<Listener> {
        if single { &mut self.single } else { &mut self.slotted }
    }

    fn is_empty(&self) -> bool {
        self.slotted.is_empty() && self.single.is_empty()
    }

    /// Timestamps of `now` in slot order.
    fn clocks(&self, single: bool, now: Instant) -> [Option<u32>; SLOTS_MAX] {
        if single {
            [self.dominant.timestamp_at(now); SLOTS_MAX]
        } else {
            self.slots.map(|timeline| timeline.timestamp_at(now))
        }
    }

    fn report(&mut self, elapsed: Duration, now: Instant, ntp: u64, out: &mut impl Outbox) {
        let listeners = self.slotted.len() + self.single.len();
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(0);
        self.report_debt += elapsed_ms * listeners as u64;
        let interval_ms = u64::try_from(REPORT_INTERVAL.as_millis()).unwrap_or(u64::MAX);
        let due = self.report_debt / interval_ms;
        self.report_debt %= interval_ms;
        let clocks = [self.clocks(false, now), self.clocks(true, now)];
        for _ in 0..due.min(listeners as u64) {
            if self.next_report >= listeners {
                self.next_report = 0;
            }
            let at = self.next_report;
            self.next_report += 1;
            if let Some(listener) = self.slotted.get_mut(at) {
                listener.report(&clocks[0], ntp, false, out);
            } else if let Some(listener) = self.single.get_mut(at - self.slotted.len()) {
                listener.report(&clocks[1], ntp, false, out);
            }
        }
    }
}
