//! What owners are told again after a link was lost: who is here, what they publish, what is wanted.
//! Voices come first, because the owner lets nobody stay without a word for longer than its grace.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::mesh::control::Ask;

use super::hub::{Hub, Timer};
use super::order::SeatId;
use super::requests::Purpose;
use super::room::{Room, Subscription};
use super::seat::{OwnMute, Seat};
use crate::webrtc::{Class, RoomKey};

/// Messages of reminders that may be unanswered. A link's queue keeps 1,024 places free of frames,
/// and a full queue ends the link; the rest of them is for whatever else is said meanwhile. Ten
/// thousand listeners take 14 round trips.
pub(super) const REJOIN_MESSAGES_MAX: usize = 768;

/// When to remind an owner again that refused for a passing reason.
const REJOIN_AFTER: Duration = Duration::from_secs(1);

/// Participants that owners are to be reminded of.
#[derive(Debug, Default)]
pub(super) struct Rejoins {
    /// The stages, and one participant of each room, with whom its subscription goes.
    first: BTreeSet<SeatId>,
    rest: BTreeSet<SeatId>,
    /// Those whose owner refused for a passing reason, until the timer.
    later: BTreeSet<SeatId>,
    messages_under_way: usize,
}

impl Rejoins {
    /// A reminder of so many messages was answered, or never will be.
    pub(super) fn note_end(&mut self, messages: usize) {
        self.messages_under_way = self.messages_under_way.saturating_sub(messages);
    }

    /// Each participant is entered once, however often links come and go.
    pub(super) fn enter(&mut self, id: SeatId, first: bool) {
        self.first.remove(&id);
        self.rest.remove(&id);
        self.later.remove(&id);
        let turn = if first { &mut self.first } else { &mut self.rest };
        turn.insert(id);
    }

    fn next(&mut self) -> Option<SeatId> {
        if self.messages_under_way >= REJOIN_MESSAGES_MAX {
            return None;
        }
        self.first.pop_first().or_else(|| self.rest.pop_first())
    }
}

impl Hub {
    /// Reminds owners of participants, as many at a time as are allowed.
    pub(super) fn pump_rejoins(&mut self, now: Instant) {
        while let Some(id) = self.rejoins.next() {
            let Some(seat) =
                self.seats.get(id).filter(|seat| seat.joined() && !seat.moved).cloned()
            else {
                continue;
            };
            let Some(room) = self.directory.get(seat.room) else { continue };
            let messages = messages_of(&seat, room);
            let (Some(link), Some(join)) = (room.owner, self.join_of(id, true)) else { continue };
            let purpose = Purpose::Rejoin { seat: id, messages };
            if self.request(link, Ask::Join(join), purpose, now).is_err() {
                self.rejoin_later(id, now);
                return;
            }
            self.rejoins.messages_under_way += messages;
            self.after_rejoin(link, id, &seat, now);
        }
    }

    /// The owner could not take note now.
    pub(super) fn rejoin_later(&mut self, id: SeatId, now: Instant) {
        if self.rejoins.later.is_empty() {
            self.set_timer(now + REJOIN_AFTER, Timer::Rejoin);
        }
        self.rejoins.later.insert(id);
    }

    /// It is time to try again.
    pub(super) fn retry_rejoins(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.rejoins.later) {
            let Some(seat) = self.seats.get(id) else { continue };
            self.rejoins.enter(id, seat.class == Class::Stage);
        }
        self.pump_rejoins(now);
    }

    /// Everybody in a room has his turn, the stage first.
    pub(super) fn enter_room(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get(key) else { return };
        let class_of = |id: SeatId| self.seats.get(id).filter(|s| s.joined()).map(|s| s.class);
        let (stage, audience): (Vec<_>, Vec<_>) = room
            .seats
            .iter()
            .filter_map(|id| Some((*id, class_of(*id)?)))
            .partition(|(_, class)| *class == Class::Stage);
        // Somebody must come first for the room to be subscribed; a voice will do.
        let leader = if stage.is_empty() { audience.first().map(|(id, _)| *id) } else { None };
        for (id, class) in stage.into_iter().chain(audience) {
            self.rejoins.enter(id, class == Class::Stage || leader == Some(id));
        }
    }

    /// Messages of a link keep their order, so nothing needs to wait for the owner's consent.
    fn after_rejoin(&mut self, link: LinkId, id: SeatId, seat: &Seat, now: Instant) {
        self.bind(Some(link), seat);
        let room = self.directory.get(seat.room);
        if room.is_some_and(|room| room.subscription == Subscription::Wanted) {
            self.subscribe(seat.room, now);
        }
        self.tell_own_mute(id, now);
    }
}

/// A join, and what goes with it: a binding, the room's subscription, a mute.
fn messages_of(seat: &Seat, room: &Room) -> usize {
    let subscribes = room.subscription == Subscription::Wanted
        && room.owner.is_some_and(|owner| !room.feeds.is_asked(owner));
    let mutes = seat.own_mute == OwnMute::Untold;
    1 + usize::from(seat.class == Class::Stage) + usize::from(subscribes) + usize::from(mutes)
}
