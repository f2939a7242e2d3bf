//! Who wants to be told what happens in a room, and what has yet to be told: an announcement to ten
//! thousand participants goes out in portions, between frames.

use std::collections::{BTreeMap, VecDeque};

use super::order::SeatId;
use super::roster::ParticipantEvent;
use crate::webrtc::{Class, RoomKey};

/// Announcements that may wait; beyond it the oldest is lost, and counted.
pub(super) const ANNOUNCEMENTS_MAX: usize = 4_096;

#[derive(Debug)]
struct Announcement {
    room: RoomKey,
    class: Option<Class>,
    event: ParticipantEvent,
    /// Seats up to this one have been told.
    told: Option<SeatId>,
}

impl Announcement {
    /// Whether `other`, if it waits too, makes this one superfluous.
    fn is_outdated_by(&self, other: &Self) -> bool {
        let same_kind = std::mem::discriminant(&self.event) == std::mem::discriminant(&other.event);
        self.told.is_none() && self.room == other.room && self.class == other.class && same_kind
    }
}

/// Who listens to events, and the announcements under way.
#[derive(Debug, Default)]
pub(super) struct Ears {
    rooms: BTreeMap<RoomKey, BTreeMap<SeatId, Class>>,
    of_seat: BTreeMap<SeatId, RoomKey>,
    waiting: VecDeque<Announcement>,
    lost: u64,
}

impl Ears {
    /// Somebody wants events from now on.
    pub(super) fn enter(&mut self, seat: SeatId, room: RoomKey, class: Class) {
        self.rooms.entry(room).or_default().insert(seat, class);
        self.of_seat.insert(seat, room);
    }

    /// Somebody does no longer.
    pub(super) fn leave(&mut self, seat: SeatId) {
        let Some(room) = self.of_seat.remove(&seat) else { return };
        let Some(seats) = self.rooms.get_mut(&room) else { return };
        seats.remove(&seat);
        if seats.is_empty() {
            self.rooms.remove(&room);
        }
    }

    /// Something is to be told to a room, or to one class of it. One of the same kind that waits is
    /// outdated by it.
    pub(super) fn announce(
        &mut self,
        room: RoomKey,
        class: Option<Class>,
        event: ParticipantEvent,
    ) {
        let announcement = Announcement { room, class, event, told: None };
        self.waiting.retain(|waiting| !waiting.is_outdated_by(&announcement));
        if self.waiting.len() >= ANNOUNCEMENTS_MAX {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(announcement);
    }

    /// The next one to tell, and what.
    pub(super) fn next(&mut self) -> Option<(SeatId, ParticipantEvent)> {
        loop {
            let announcement = self.waiting.front_mut()?;
            let after = announcement.told.map_or(SeatId(0), |seat| SeatId(seat.0 + 1));
            let seats = self.rooms.get(&announcement.room);
            let next = seats.and_then(|seats| {
                seats
                    .range(after..)
                    .find(|(_, class)| announcement.class.is_none_or(|wanted| wanted == **class))
            });
            match next {
                Some((seat, _)) => {
                    announcement.told = Some(*seat);
                    return Some((*seat, announcement.event.clone()));
                }
                None => {
                    self.waiting.pop_front();
                }
            }
        }
    }

    /// Whether something has yet to be told.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Announcements lost since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ROOM: RoomKey = RoomKey(4);

    fn slots() -> ParticipantEvent {
        ParticipantEvent::Slots(Default::default())
    }

    fn ears() -> Ears {
        let mut ears = Ears::default();
        ears.enter(SeatId(1), ROOM, Class::Stage);
        ears.enter(SeatId(2), ROOM, Class::Audience);
        ears.enter(SeatId(3), RoomKey(5), Class::Audience);
        ears
    }

    #[test]
    fn an_announcement_reaches_the_room_and_class_that_is_meant() {
        let mut ears = ears();
        ears.announce(ROOM, None, ParticipantEvent::Roster(Default::default()));
        ears.announce(ROOM, Some(Class::Audience), slots());
        let told = drain(&mut ears);
        assert_eq!(told, [(SeatId(1), false), (SeatId(2), false), (SeatId(2), true)].into());
        assert!(!ears.is_waiting());
    }

    #[test]
    fn news_that_wait_are_replaced_and_those_under_way_are_finished() {
        let mut ears = ears();
        ears.announce(ROOM, None, slots());
        ears.announce(ROOM, None, slots());
        assert_eq!(ears.waiting.len(), 1);
        assert!(ears.next().is_some());
        ears.announce(ROOM, None, slots());
        assert_eq!(ears.waiting.len(), 2);
    }

    #[test]
    fn somebody_who_left_is_not_told() {
        let mut ears = ears();
        ears.announce(ROOM, None, slots());
        ears.leave(SeatId(2));
        assert_eq!(drain(&mut ears), [(SeatId(1), true)].into());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut ears = Ears::default();
        for room in 0..=u32::try_from(ANNOUNCEMENTS_MAX).unwrap() {
            ears.announce(RoomKey(room), None, slots());
        }
        assert_eq!(
            (ears.waiting.len(), ears.take_lost(), ears.take_lost()),
            (ANNOUNCEMENTS_MAX, 1, 0)
        );
    }

    fn drain(ears: &mut Ears) -> BTreeSet<(SeatId, bool)> {
        std::iter::from_fn(|| ears.next())
            .map(|(seat, event)| (seat, matches!(event, ParticipantEvent::Slots(_))))
            .collect()
    }
}
