//! How this edge leaves, and how it stays after all.

use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{self, Body};

use super::command::Command;
use super::ears::Circle;
use super::hub::Hub;
use super::joins::Departure;
use super::order::SeatId;
use super::roster::ParticipantEvent;

/// Clients are asked to go one after the other, this far apart: a hundred a second, which is nothing to an edge that
/// takes them in.
const MOVE_SPACING: Duration = Duration::from_millis(10);

/// Of the time until the deadline, so much may pass until the last one is asked to go; the rest is for those whose first
/// attempt fails.
const MOVE_SHARE: (u32, u32) = (3, 5);

impl Hub {
    /// From now on nobody is taken in; parents and clients are told, so that both can move on. Called again it changes
    /// the deadline.
    pub fn handle_drain(&mut self, deadline: Duration, now: Instant) {
        self.leaves_at = Some(now + deadline);
        for link in self.parents.links().collect::<Vec<_>>() {
            self.tell_drain(link, now);
        }
        let event = ParticipantEvent::Draining { over: self.moves_over(deadline) };
        self.announce_everywhere(&event);
    }

    /// This edge stays after all.
    pub fn handle_undrain(&mut self) {
        if self.leaves_at.take().is_none() {
            return;
        }
        for link in self.parents.links().collect::<Vec<_>>() {
            self.send(link, Body::Undrain(control::Undrain {}));
        }
        self.announce_everywhere(&ParticipantEvent::Staying);
    }

    /// An origin that was not linked until now hears that this edge leaves.
    pub(super) fn tell_drain(&mut self, link: LinkId, now: Instant) {
        let Some(at) = self.leaves_at else { return };
        let left = at.saturating_duration_since(now).as_millis();
        let deadline_ms = u32::try_from(left).unwrap_or(u32::MAX);
        self.send(link, Body::Drain(control::Drain { deadline_ms }));
    }

    /// A connection that is new to its seat hears that this edge leaves.
    pub(super) fn tell_of_drain(&mut self, id: SeatId) {
        if self.leaves_at.is_some() {
            let event = ParticipantEvent::Draining { over: Duration::ZERO };
            self.owe(Command::Tell { seat: id, event });
        }
    }

    /// The time is over: whoever is still here is taken out, as if he had hung up, and owners hear of it.
    pub fn handle_end(&mut self, now: Instant) {
        for seat in self.seats.ids() {
            let is_told = self.seats.get(seat).is_some_and(|seat| seat.wants_events);
            let moves = &self.metrics.moves;
            let expelled = if is_told { &moves.expelled_sockets } else { &moves.expelled_players };
            expelled.inc();
            self.remove_seat(seat, Departure::Ended("draining"), now);
        }
    }

    /// How much time all clients together may take to begin their moves.
    fn moves_over(&self, deadline: Duration) -> Duration {
        let people = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        let (share, whole) = MOVE_SHARE;
        MOVE_SPACING.saturating_mul(people).min(deadline * share / whole)
    }

    fn announce_everywhere(&mut self, event: &ParticipantEvent) {
        for room in self.directory.keys() {
            let event = event.clone();
            self.owe(Command::Announce { room, circle: Circle::Everybody, event });
        }
    }
}
