//! Who hears what. Each worker owns its listeners, packed per room and cut in sending order, so that
//! the order of memory is the order of sending and every listener keeps his place in it.
//!
//! What to send is decided elsewhere: a [`Delivery`] names room, class and slot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use super::group::Scratch;
use super::hall::{Delivered, Hall, Seat};
use super::kernel::Address;
use super::report_turns::ReportTurns;
use super::{Listener, Outbox, PacketLength};
use crate::webrtc::{Class, Delivery, RoomKey, SessionId};

/// Rooms with listeners on one worker; deliveries to higher keys are dropped and counted.
pub const ROOMS_MAX: usize = 100_000;

/// Least time between two looks at what waits in a hall.
const LOOK_AGAIN_MIN: Duration = Duration::from_micros(500);

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
    /// Voices that broke off without a pause, and were given an end.
    pub voices_ended: u64,
}

impl FanoutCounters {
    pub(super) fn note<E>(&mut self, sent: &Result<bool, E>) {
        match sent {
            Ok(sent) => self.packets += u64::from(*sent),
            Err(_) => self.failed_packets += 1,
        }
    }
}

/// All listeners of one worker.
#[derive(Default)]
pub struct Fanout {
    rooms: Vec<Room>,
    places: HashMap<SessionId, Place>,
    /// Halls with something that waits: when, which.
    timers: BinaryHeap<Reverse<(Instant, usize, usize)>>,
    /// Listeners by the length of their packets.
    lengths: [u64; PacketLength::ALL.len()],
    scratch: Scratch,
    reports: ReportTurns,
}

#[derive(Default)]
pub(super) struct Room {
    pub halls: [Hall; 2],
    /// The live entry of each hall among the timers; others are stale.
    queued_at: [Option<Instant>; 2],
}

#[derive(Clone, Copy)]
struct Place {
    room: usize,
    hall: usize,
    seat: Seat,
}

impl Room {
    pub(super) fn listeners(&self) -> usize {
        self.halls.iter().map(Hall::listeners).sum()
    }
}

impl Fanout {
    /// Takes a listener in; says whether there was room. `single` listeners have one stream, which
    /// carries the dominant speaker.
    pub fn add(
        &mut self,
        room: RoomKey,
        class: Class,
        single: bool,
        length: PacketLength,
        listener: Listener,
    ) -> bool {
        let Some(room) = usize::try_from(room.0).ok().filter(|room| *room < ROOMS_MAX) else {
            self.scratch.counters.over_limit += 1;
            return false;
        };
        if self.rooms.len() <= room {
            self.rooms.resize_with(room + 1, Room::default);
        }
        let (session, hall) = (listener.session(), hall_of(class));
        let seat = self.rooms[room].halls[hall].add(single, length, listener);
        self.places.insert(session, Place { room, hall, seat });
        self.lengths[length as usize] += 1;
        true
    }

    /// Says goodbye to a listener and forgets him.
    pub fn remove(&mut self, session: SessionId, now: Instant, ntp: u64, out: &mut impl Outbox) {
        let Some(place) = self.places.get(&session).copied() else { return };
        let Some(mut gone) = self.take_out(session, place) else { return };
        let room = &mut self.rooms[place.room];
        let clocks = room.halls[place.hall].clocks(place.seat.cut.single, now);
        gone.report(&clocks, ntp, true, out);
        if room.halls.iter().all(Hall::is_empty) {
            // The key may be given to another room, whose timeline is its own.
            *room = Room::default();
        }
    }

    /// From now on a listener hears what `class` hears, in packets of another length. Nothing comes twice, his
    /// sequence numbers and timestamps go on, and within a class nothing is lost.
    pub fn change(
        &mut self,
        session: SessionId,
        class: Class,
        length: PacketLength,
        now: Instant,
        out: &mut impl Outbox,
    ) {
        let Some(place) = self.places.get(&session).copied() else { return };
        let (single, hall) = (place.seat.cut.single, hall_of(class));
        if (place.hall, place.seat.cut.length) == (hall, length) {
            return;
        }
        self.rooms[place.room].halls[place.hall].catch_up(place.seat, &mut self.scratch, out);
        let Some(mut listener) = self.take_out(session, place) else { return };
        let halls = &mut self.rooms[place.room].halls;
        if hall != place.hall {
            let [stage, audience] = halls;
            let (to, from) = if hall == 0 { (stage, audience) } else { (audience, stage) };
            listener.pass_over(&to.take_over(from, single, now));
        }
        let seat = halls[hall].add(single, length, listener);
        let wake_at = halls[hall].wake_at();
        self.places.insert(session, Place { room: place.room, hall, seat });
        self.lengths[length as usize] += 1;
        self.queue(place.room, hall, wake_at);
    }

    /// A listener's packets go elsewhere from now on.
    pub fn redirect(&mut self, session: SessionId, to: Address) {
        let Some(place) = self.places.get(&session).copied() else { return };
        let hall = &mut self.rooms[place.room].halls[place.hall];
        if let Some(listener) = hall.listener(place.seat) {
            listener.redirect(to);
        }
    }

    /// Plays a frame to everybody whom the delivery names: at once, or when the packets that it goes
    /// with are full.
    pub fn deliver(&mut self, delivery: &Delivery, now: Instant, out: &mut impl Outbox) {
        let Ok(index) = usize::try_from(delivery.room.0) else { return };
        let Some(room) = self.rooms.get_mut(index) else { return };
        let hall = hall_of(delivery.class);
        if room.halls[hall].is_empty() {
            return;
        }
        let delivered = Delivered {
            slot: usize::from(delivery.slot),
            dominant: delivery.dominant,
            except: delivery.except,
            frame: &delivery.frame,
        };
        let wake_at = room.halls[hall].deliver(&delivered, now, &mut self.scratch, out);
        self.queue(index, hall, wake_at);
    }

    /// Sends the packets whose time has come.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl Outbox) {
        while let Some(Reverse((at, index, hall))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            let Some(room) = self.rooms.get_mut(index) else { continue };
            if room.queued_at[hall] != Some(at) {
                continue;
            }
            room.queued_at[hall] = None;
            let wake_at = room.halls[hall].handle_timeout(now, &mut self.scratch, out);
            // Everything due by now has been sent; a look again at once would be one without end.
            self.queue(index, hall, wake_at.map(|at| at.max(now + LOOK_AGAIN_MIN)));
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    /// Sends the sender reports that are due; call it every 20 to 1,000 ms. `ntp` is the NTP
    /// timestamp of `now`.
    pub fn report(&mut self, now: Instant, ntp: u64, out: &mut impl Outbox) {
        self.reports.take(&mut self.rooms, self.places.len(), now, ntp, out);
    }

    /// How many listeners there are.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.places.len()
    }

    /// Packets a second that one voice costs, if all listeners hear one.
    #[must_use]
    pub fn packets_per_second(&self) -> u64 {
        let rates = PacketLength::ALL.map(|length| u64::from(1_000 / length.ms()));
        self.lengths.iter().zip(rates).map(|(listeners, rate)| listeners * rate).sum()
    }

    /// What was done since the last call.
    pub fn take_counters(&mut self) -> FanoutCounters {
        std::mem::take(&mut self.scratch.counters)
    }

    fn take_out(&mut self, session: SessionId, place: Place) -> Option<Listener> {
        self.places.remove(&session);
        let hall = &mut self.rooms[place.room].halls[place.hall];
        let (listener, moved) = hall.remove(place.seat)?;
        if let Some(moved) = moved {
            self.places.insert(moved, place);
        }
        self.lengths[place.seat.cut.length as usize] -= 1;
        Some(listener)
    }

    fn queue(&mut self, index: usize, hall: usize, wake_at: Option<Instant>) {
        let (Some(at), Some(room)) = (wake_at, self.rooms.get_mut(index)) else { return };
        if room.queued_at[hall].is_none_or(|queued| at < queued) {
            room.queued_at[hall] = Some(at);
            self.timers.push(Reverse((at, index, hall)));
        }
    }
}

fn hall_of(class: Class) -> usize {
    match class {
        Class::Stage => 0,
        Class::Audience => 1,
    }
}

#[cfg(test)]
#[path = "fanout_tests.rs"]
mod tests;
