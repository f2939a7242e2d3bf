//! What waits for which endpoint, and when it is tried. Pure: times and jitter come in as arguments.
//!
//! A message is tried until it arrives or has waited for [`Limits::life`]; until then those behind it in its
//! room wait too. Everything is bounded, and what is dropped is counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_protocol::ids::RoomId;

use super::event::Event;
use super::lane::{Lanes, Message};
use super::settings::Endpoint;

/// Failures in a row from which on an endpoint gets one message at a time: it is down, and a crowd of
/// rooms at its door would not help it up.
const FAILURES_UNTIL_SINGLE: u32 = 3;

/// The longest that a receiver may ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// Bounds and pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages that wait for one endpoint.
    pub per_endpoint: usize,
    /// Messages that wait for all of them.
    pub total: usize,
    /// Messages under way to one endpoint, of as many rooms.
    pub under_way: usize,
    /// How long a message is tried.
    pub life: Duration,
    /// Until the second try; doubled with each further one.
    pub first_delay: Duration,
    /// Until a further try at most.
    pub longest_delay: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_endpoint: 10_000,
            total: 50_000,
            under_way: 8,
            life: Duration::from_secs(24 * 60 * 60),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(5 * 60),
        }
    }
}

/// A message to be sent now.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which endpoint, by its place in the configuration.
    pub endpoint: usize,
    /// The room it is about.
    pub room: RoomId,
    /// The same at every attempt.
    pub id: Arc<str>,
    /// The same at every attempt.
    pub body: Arc<[u8]>,
    /// From 1.
    pub number: u32,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It may not have it; it may have said when to come back.
    Failed {
        /// Least time until the next attempt.
        retry_after: Option<Duration>,
    },
}

/// What was lost so far, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Too many waited for the endpoint, or for all.
    pub full: u64,
    /// It was tried for [`Limits::life`].
    pub dead: u64,
    /// It was too large to be sent.
    pub oversized: u64,
}

#[derive(Debug)]
struct Destination {
    endpoint: Endpoint,
    lanes: Lanes,
    failures_in_row: u32,
}

/// All that waits.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    destinations: Vec<Destination>,
    /// Which endpoint is looked at first, so that all get their turn.
    turn: usize,
    waiting: usize,
    counts: Counts,
}

impl Queue {
    /// An empty queue for these endpoints.
    #[must_use]
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>, limits: Limits) -> Self {
        let destinations = endpoints.into_iter().map(|endpoint| Destination {
            endpoint,
            lanes: Lanes::default(),
            failures_in_row: 0,
        });
        let (turn, waiting, counts) = (0, 0, Counts::default());
        Self { limits, destinations: destinations.collect(), turn, waiting, counts }
    }

    /// How many messages wait or are under way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// What was lost so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How often in a row this endpoint has failed.
    #[must_use]
    pub fn failures_in_row(&self, endpoint: usize) -> u32 {
        self.destinations.get(endpoint).map_or(0, |destination| destination.failures_in_row)
    }

    /// Something has happened; `id` is drawn by the caller and never used again.
    pub fn handle_event(&mut self, id: &str, event: &Event, now: Instant) {
        if !self.destinations.iter().any(|destination| destination.endpoint.wants(event)) {
            return;
        }
        let Some(body) = event.body(id) else {
            self.counts.oversized += 1;
            return;
        };
        let (id, body): (Arc<str>, Arc<[u8]>) = (id.into(), body.into());
        for at in 0..self.destinations.len() {
            if self.destinations[at].endpoint.wants(event) && self.make_place(at, now) {
                let message = Message { id: id.clone(), body: body.clone(), born: now, tries: 0 };
                self.destinations[at].lanes.push(&event.room, message, now);
                self.waiting += 1;
            }
        }
    }

    /// What is to be sent now; call it until there is nothing.
    pub fn next_attempt(&mut self, now: Instant) -> Option<Attempt> {
        let count = self.destinations.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            if let Some(attempt) = self.attempt_of(at, now) {
                self.turn = (at + 1) % count;
                return Some(attempt);
            }
        }
        None
    }

    /// An attempt has ended. `jitter` is 0 to 1 and spreads what failed in the same moment.
    pub fn handle_outcome(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        jitter: f64,
        now: Instant,
    ) {
        let limits = self.limits;
        let Some(destination) = self.destinations.get_mut(attempt.endpoint) else { return };
        let before = destination.lanes.waiting();
        match outcome {
            Outcome::Delivered => {
                destination.failures_in_row = 0;
                destination.lanes.finish(&attempt.room, now);
            }
            Outcome::Failed { retry_after } => {
                destination.failures_in_row = destination.failures_in_row.saturating_add(1);
                let doublings = attempt.number.saturating_sub(1).min(20);
                let delay = limits.first_delay.saturating_mul(1 << doublings);
                let delay =
                    delay.min(limits.longest_delay).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
                let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
                destination.lanes.put_back(&attempt.room, now + delay.max(asked), now);
            }
        }
        self.waiting -= before - destination.lanes.waiting();
    }

    /// When to call [`Queue::next_attempt`] again, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let open = self.destinations.iter().filter(|destination| self.has_place(destination));
        open.filter_map(|destination| destination.lanes.next_ready()).min()
    }

    fn has_place(&self, destination: &Destination) -> bool {
        let down = destination.failures_in_row >= FAILURES_UNTIL_SINGLE;
        let most = if down { 1 } else { self.limits.under_way };
        destination.lanes.under_way() < most
    }

    fn attempt_of(&mut self, at: usize, now: Instant) -> Option<Attempt> {
        while self.has_place(&self.destinations[at]) {
            let lanes = &mut self.destinations[at].lanes;
            let (room, message) = lanes.take_ready(now)?;
            let Message { id, body, born, tries } = message;
            if now.saturating_duration_since(born) < self.limits.life {
                return Some(Attempt { endpoint: at, room, id, body, number: tries + 1 });
            }
            lanes.finish(&room, now);
            self.waiting -= 1;
            self.counts.dead += 1;
        }
        None
    }

    /// Whether there is place for one message more to this endpoint, after older ones went if need be.
    fn make_place(&mut self, at: usize, now: Instant) -> bool {
        let over_own = self.destinations[at].lanes.waiting() >= self.limits.per_endpoint;
        let over_all = self.waiting >= self.limits.total;
        let loser = if over_own {
            Some(at)
        } else if over_all {
            let by_waiting = |at: &usize| self.destinations[*at].lanes.waiting();
            (0..self.destinations.len()).max_by_key(by_waiting)
        } else {
            return true;
        };
        // Whatever happens, one message is lost: an older one, or this one.
        self.counts.full += 1;
        let dropped =
            loser.is_some_and(|loser| self.destinations[loser].lanes.drop_oldest_of_longest(now));
        self.waiting -= usize::from(dropped);
        dropped
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
