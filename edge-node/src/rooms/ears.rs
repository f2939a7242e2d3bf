//! Who wants to be told what happens in a room, and what has yet to be told: an announcement to ten
//! thousand participants goes out in portions, between frames.

use std::collections::{BTreeMap, VecDeque};

use super::order::SeatId;
use super::roster::ParticipantEvent;
use crate::webrtc::{Class, RoomKey};

/// Announcements that may wait; beyond it the oldest is lost, and counted.
pub(super) const ANNOUNCEMENTS_MAX: usize = 4_096;

/// Who of a room is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circle {
    /// All who want events.
    Everybody,
    /// Who hears the lane of a class.
    Class(Class),
    /// Moderators and hosts.
    Moderators,
}

/// What decides which announcements somebody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which lane he hears.
    pub class: Class,
    /// Whether he is a moderator or host.
    pub moderates: bool,
}

impl Circle {
    fn holds(self, place: Place) -> bool {
        match self {
            Self::Everybody => true,
            Self::Class(class) => place.class == class,
            Self::Moderators => place.moderates,
        }
    }
}

#[derive(Debug)]
struct Announcement {
    room: RoomKey,
    circle: Circle,
    event: ParticipantEvent,
    /// Seats up to this one have been told.
    told: Option<SeatId>,
}

impl Announcement {
    /// Whether `other`, if it waits too, makes this one superfluous.
    fn is_outdated_by(&self, other: &Self) -> bool {
        let same_kind = std::mem::discriminant(&self.event) == std::mem::discriminant(&other.event);
        self.told.is_none() && self.room == other.room && self.circle == other.circle && same_kind
    }
}

/// Who listens to events, and the announcements under way.
#[derive(Debug, Default)]
pub(super) struct Ears {
    rooms: BTreeMap<RoomKey, BTreeMap<SeatId, Place>>,
    of_seat: BTreeMap<SeatId, RoomKey>,
    waiting: VecDeque<Announcement>,
    lost: u64,
}

impl Ears {
    /// Somebody wants events from now on.
    pub(super) fn enter(&mut self, seat: SeatId, room: RoomKey, place: Place) {
        self.rooms.entry(room).or_default().insert(seat, place);
        self.of_seat.insert(seat, room);
    }

    /// From now on he hears what others of this place hear.
    pub(super) fn regroup(&mut self, seat: SeatId, place: Place) {
        let room = self.of_seat.get(&seat).and_then(|room| self.rooms.get_mut(room));
        if let Some(known) = room.and_then(|seats| seats.get_mut(&seat)) {
            *known = place;
        }
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

    /// Something is to be told to a room, or to some of it. One of the same kind that waits is outdated by it;
    /// reactions are summed up.
    pub(super) fn announce(&mut self, room: RoomKey, circle: Circle, event: ParticipantEvent) {
        let mut announcement = Announcement { room, circle, event, told: None };
        let outdated = self.waiting.iter().find(|waiting| waiting.is_outdated_by(&announcement));
        if let (ParticipantEvent::Reactions(new), Some(ParticipantEvent::Reactions(old))) =
            (&mut announcement.event, outdated.map(|outdated| &outdated.event))
        {
            new.add(old);
        }
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
                seats.range(after..).find(|(_, place)| announcement.circle.holds(**place))
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

    use super::super::reactions::{Reaction, ReactionCounts};
    use super::*;

    const ROOM: RoomKey = RoomKey(4);

    fn slots() -> ParticipantEvent {
        ParticipantEvent::Slots(Default::default())
    }

    const SPEAKER: Place = Place { class: Class::Stage, moderates: false };
    const LISTENER: Place = Place { class: Class::Audience, moderates: false };

    fn ears() -> Ears {
        let mut ears = Ears::default();
        ears.enter(SeatId(1), ROOM, SPEAKER);
        ears.enter(SeatId(2), ROOM, LISTENER);
        ears.enter(SeatId(3), RoomKey(5), LISTENER);
        ears
    }

    #[test]
    fn who_becomes_a_moderator_hears_what_moderators_hear() {
        let mut ears = ears();
        let hands = || ParticipantEvent::Hands(Default::default());
        ears.announce(ROOM, Circle::Moderators, hands());
        assert_eq!(ears.next(), None);
        ears.regroup(SeatId(1), Place { moderates: true, ..SPEAKER });
        ears.announce(ROOM, Circle::Moderators, hands());
        assert_eq!(ears.next(), Some((SeatId(1), hands())));
        assert_eq!(ears.next(), None);
    }

    #[test]
    fn reactions_that_wait_are_summed_up() {
        let mut ears = ears();
        let given = |count| {
            let mut counts = ReactionCounts::default();
            counts.note(Reaction::new("👏").unwrap(), count);
            ParticipantEvent::Reactions(counts)
        };
        ears.announce(ROOM, Circle::Everybody, given(2));
        ears.announce(ROOM, Circle::Everybody, given(3));
        assert_eq!(ears.next(), Some((SeatId(1), given(5))));
    }

    #[test]
    fn an_announcement_reaches_the_room_and_class_that_is_meant() {
        let mut ears = ears();
        ears.announce(ROOM, Circle::Everybody, ParticipantEvent::Roster(Default::default()));
        ears.announce(ROOM, Circle::Class(Class::Audience), slots());
        let told = drain(&mut ears);
        assert_eq!(told, [(SeatId(1), false), (SeatId(2), false), (SeatId(2), true)].into());
        assert!(!ears.is_waiting());
    }

    #[test]
    fn news_that_wait_are_replaced_and_those_under_way_are_finished() {
        let mut ears = ears();
        ears.announce(ROOM, Circle::Everybody, slots());
        ears.announce(ROOM, Circle::Everybody, slots());
        assert_eq!(ears.waiting.len(), 1);
        assert!(ears.next().is_some());
        ears.announce(ROOM, Circle::Everybody, slots());
        assert_eq!(ears.waiting.len(), 2);
    }

    #[test]
    fn somebody_who_left_is_not_told() {
        let mut ears = ears();
        ears.announce(ROOM, Circle::Everybody, slots());
        ears.leave(SeatId(2));
        assert_eq!(drain(&mut ears), [(SeatId(1), true)].into());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut ears = Ears::default();
        for room in 0..=u32::try_from(ANNOUNCEMENTS_MAX).unwrap() {
            ears.announce(RoomKey(room), Circle::Everybody, slots());
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
