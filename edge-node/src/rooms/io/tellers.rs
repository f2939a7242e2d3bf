//! The connections that hear of events: one bounded queue each, and none can hold the others up.

use std::collections::BTreeMap;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::super::ears::{Circle, Ears, Place};
use super::super::metrics::RoomsMetrics;
use super::super::order::{SeatId, Ticket};
use super::super::roster::ParticipantEvent;
use crate::webrtc::RoomKey;

/// Who is told what; announcements go out in portions.
#[derive(Debug)]
pub(super) struct Tellers {
    /// Queues of connections whose order is under way.
    attaching: BTreeMap<Ticket, mpsc::Sender<ParticipantEvent>>,
    senders: BTreeMap<SeatId, mpsc::Sender<ParticipantEvent>>,
    ears: Ears,
    metrics: RoomsMetrics,
}

impl Tellers {
    pub(super) fn new(metrics: RoomsMetrics) -> Self {
        Self {
            attaching: BTreeMap::new(),
            senders: BTreeMap::new(),
            ears: Ears::default(),
            metrics,
        }
    }

    /// A connection waits for the answer to its order.
    pub(super) fn expect(&mut self, ticket: Ticket, events: mpsc::Sender<ParticipantEvent>) {
        self.attaching.insert(ticket, events);
    }

    /// Its order came to nothing.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.attaching.remove(&ticket);
    }

    /// Its order has seated somebody; whoever heard of the seat's events before hears that he is replaced.
    pub(super) fn seat(&mut self, ticket: Ticket, seat: SeatId, room: RoomKey, place: Place) {
        let Some(events) = self.attaching.remove(&ticket) else { return };
        self.tell(seat, ParticipantEvent::Closed { reason: "replaced" });
        self.senders.insert(seat, events);
        self.ears.enter(seat, room, place);
    }

    /// From now on he hears what others of this place hear.
    pub(super) fn regroup(&mut self, seat: SeatId, place: Place) {
        self.ears.regroup(seat, place);
    }

    pub(super) fn announce(&mut self, room: RoomKey, circle: Circle, event: ParticipantEvent) {
        self.ears.announce(room, circle, event);
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.ears.is_waiting()
    }

    /// Tells one participant of the oldest announcement.
    pub(super) fn tell_next(&mut self) {
        if let Some((seat, event)) = self.ears.next() {
            self.tell(seat, event);
        }
    }

    pub(super) fn tell(&mut self, seat: SeatId, event: ParticipantEvent) {
        let Some(sender) = self.senders.get(&seat) else { return };
        if let Err(TrySendError::Full(_)) = sender.try_send(event) {
            // A connection that takes nothing for so long cannot be told apart from a dead one; its
            // end lets the client come back with a fresh state.
            self.metrics.limits.events.inc();
            self.senders.remove(&seat);
            self.ears.leave(seat);
        }
    }

    /// The seat is gone.
    pub(super) fn end(&mut self, seat: SeatId, reason: Option<&'static str>) {
        if let Some(reason) = reason {
            self.tell(seat, ParticipantEvent::Closed { reason });
        }
        self.senders.remove(&seat);
        self.ears.leave(seat);
    }

    pub(super) fn export(&mut self) {
        self.metrics.limits.announcements.inc_by(self.ears.take_lost());
    }
}
