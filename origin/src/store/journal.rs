//! Writes that wait for their store: in order, within a bound, given again after a failure. Of hot state only the
//! newest change of each participant and each hand waits, so that a long outage costs no more than a full room.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use stoa_protocol::ids::RoomId;

use crate::store::error::StoreError;
use crate::store::hot::HotChange;
use crate::store::limits::{CHANGES_PER_WRITE_MAX, JOURNAL_BYTES_MAX, JOURNAL_WRITES_MAX};
use crate::store::operation::{Answer, Operation};
use crate::store::pending::{Pending, weight};

/// Shortest and longest pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Names a write whose end somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The end of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub ticket: Ticket,
    /// How it ended; never with an error that passes.
    pub outcome: Result<(), StoreError>,
}

/// How large a journal may become.
#[derive(Clone, Copy, Debug)]
pub struct JournalLimits {
    /// Operations, and changes of hot state.
    pub writes: usize,
    /// Roughly.
    pub bytes: usize,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { writes: JOURNAL_WRITES_MAX, bytes: JOURNAL_BYTES_MAX }
    }
}

/// Pauses that grow with every failure in a row.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Another failure.
    pub fn fail(&mut self, now: Instant) {
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + pause);
    }

    /// Whether it is time to try.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

#[derive(Debug)]
enum Slot {
    Operation(Operation, Vec<Ticket>),
    /// The changes of a room that stand under this number.
    Room(RoomId, u64),
}

#[derive(Debug)]
enum InFlight {
    Operation(Operation, Vec<Ticket>),
    Room(RoomId, Pending),
}

/// Writes that wait for one store. One is in flight at a time; which, [`Journal::next_write`] says.
#[derive(Debug)]
pub struct Journal {
    limits: JournalLimits,
    order: VecDeque<Slot>,
    rooms: BTreeMap<RoomId, (u64, Pending)>,
    in_flight: Option<InFlight>,
    backoff: Backoff,
    bytes: usize,
    writes: usize,
    number: u64,
    dropped: u64,
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new(limits: JournalLimits) -> Self {
        Self {
            limits,
            order: VecDeque::new(),
            rooms: BTreeMap::new(),
            in_flight: None,
            backoff: Backoff::default(),
            bytes: 0,
            writes: 0,
            number: 0,
            dropped: 0,
        }
    }

    /// Writes that wait or are in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        let in_flight = match &self.in_flight {
            None => 0,
            Some(InFlight::Operation(..)) => 1,
            Some(InFlight::Room(_, part)) => part.weight().0,
        };
        self.writes + in_flight
    }

    /// Whether nothing waits and nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes that found no place, or that the store refused for good.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a write that may be repeated without harm.
    ///
    /// # Errors
    /// When the journal is full, or a newer epoch of the room's hot state waits already. Nothing is kept then.
    pub fn handle_write(
        &mut self,
        operation: Operation,
        ticket: Option<Ticket>,
    ) -> Result<(), StoreError> {
        let (writes, bytes) = weight(&operation);
        self.fits("the journal's length", self.writes + writes, self.limits.writes)?;
        self.fits("the journal's bytes", self.bytes + bytes, self.limits.bytes)?;
        match operation {
            Operation::Note { room, epoch, changes } => self.note(room, epoch, changes, ticket)?,
            Operation::Dissolve { ref room, .. } | Operation::Forget(ref room) => {
                let mut tickets = self.supersede(&room.clone());
                tickets.extend(ticket);
                self.push_back(operation, tickets);
            }
            other => self.push_back(other, ticket.into_iter().collect()),
        }
        Ok(())
    }

    fn fits(&mut self, what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
        if found <= max {
            return Ok(());
        }
        self.dropped += 1;
        Err(StoreError::Limit { what, found: found as u64, max: max as u64 })
    }

    fn note(
        &mut self,
        room: RoomId,
        epoch: u64,
        changes: Vec<HotChange>,
        ticket: Option<Ticket>,
    ) -> Result<(), StoreError> {
        if let Some((_, pending)) = self.rooms.get_mut(&room) {
            pending.raise_epoch(epoch)?;
            let before = pending.weight();
            pending.merge(changes);
            pending.tickets.extend(ticket);
            let after = pending.weight();
            self.count(before, after);
            return Ok(());
        }
        let mut pending = Pending::default();
        pending.raise_epoch(epoch)?;
        pending.merge(changes);
        pending.tickets.extend(ticket);
        self.place(room, pending, VecDeque::push_back);
        Ok(())
    }

    /// Gives a room's changes a place in the order.
    fn place(&mut self, room: RoomId, pending: Pending, push: fn(&mut VecDeque<Slot>, Slot)) {
        self.count((0, 0), pending.weight());
        push(&mut self.order, Slot::Room(room.clone(), self.number));
        self.rooms.insert(room, (self.number, pending));
        self.number += 1;
    }

    fn push_back(&mut self, operation: Operation, tickets: Vec<Ticket>) {
        self.count((0, 0), weight(&operation));
        self.order.push_back(Slot::Operation(operation, tickets));
    }

    /// What waits of a room is overtaken by its end; who waits for it waits for that end from now on.
    fn supersede(&mut self, room: &RoomId) -> Vec<Ticket> {
        let Some((number, pending)) = self.rooms.remove(room) else { return Vec::new() };
        self.count(pending.weight(), (0, 0));
        self.order.retain(|slot| !matches!(slot, Slot::Room(_, other) if *other == number));
        pending.tickets
    }

    fn count(&mut self, before: (usize, usize), after: (usize, usize)) {
        self.writes = (self.writes + after.0).saturating_sub(before.0);
        self.bytes = (self.bytes + after.1).saturating_sub(before.1);
    }

    /// The next write, if it is time for one. [`Journal::handle_outcome`] must follow.
    pub fn next_write(&mut self, now: Instant) -> Option<Operation> {
        if self.in_flight.is_some() || !self.backoff.is_over(now) {
            return None;
        }
        match self.order.pop_front()? {
            Slot::Operation(operation, tickets) => {
                self.count(weight(&operation), (0, 0));
                self.in_flight = Some(InFlight::Operation(operation.clone(), tickets));
                Some(operation)
            }
            Slot::Room(room, number) => {
                let (_, pending) = self.rooms.get_mut(&room)?;
                let before = pending.weight();
                let part = pending.take(CHANGES_PER_WRITE_MAX);
                let after = pending.weight();
                let note = part.note(&room);
                self.count(before, after);
                if after.0 == 0 {
                    self.rooms.remove(&room);
                } else {
                    self.order.push_front(Slot::Room(room.clone(), number));
                }
                self.in_flight = Some(InFlight::Room(room, part));
                Some(note)
            }
        }
    }

    /// What became of the write in flight. Returns what has ended for good.
    pub fn handle_outcome(
        &mut self,
        outcome: &Result<Answer, StoreError>,
        now: Instant,
    ) -> Vec<Settled> {
        let Some(in_flight) = self.in_flight.take() else { return Vec::new() };
        let outcome = match outcome {
            Err(error) if error.is_transient() => {
                self.backoff.fail(now);
                self.put_back(in_flight);
                return Vec::new();
            }
            Err(error) => Err(error.clone()),
            Ok(_) => Ok(()),
        };
        self.backoff = Backoff::default();
        self.dropped += u64::from(outcome.is_err());
        let tickets = match in_flight {
            InFlight::Operation(_, tickets) => tickets,
            InFlight::Room(_, part) => part.tickets,
        };
        tickets.into_iter().map(|ticket| Settled { ticket, outcome: outcome.clone() }).collect()
    }

    /// When [`Journal::next_write`] will have something, if it has nothing now.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.in_flight.is_some() || self.order.is_empty() { None } else { self.backoff.until }
    }

    /// In front of everything, beneath what is newer.
    fn put_back(&mut self, in_flight: InFlight) {
        match in_flight {
            InFlight::Operation(operation, tickets) => {
                self.count((0, 0), weight(&operation));
                self.order.push_front(Slot::Operation(operation, tickets));
            }
            InFlight::Room(room, mut part) => {
                let ends = |operation: &Operation| matches!(operation, Operation::Dissolve { room: over, .. } | Operation::Forget(over) if *over == room);
                let end = self.order.iter_mut().find_map(|slot| match slot {
                    Slot::Operation(operation, tickets) => ends(operation).then_some(tickets),
                    Slot::Room(..) => None,
                });
                if let Some(tickets) = end {
                    // The room ends behind it, and what has been written since comes behind that end.
                    tickets.append(&mut part.tickets);
                } else if let Some((_, newer)) = self.rooms.get_mut(&room) {
                    let before = newer.weight();
                    part.absorb(std::mem::take(newer));
                    let after = part.weight();
                    *newer = part;
                    self.count(before, after);
                } else {
                    self.place(room, part, VecDeque::push_front);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
