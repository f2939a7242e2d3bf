//! Every deadline of a link in one table.

use std::time::Instant;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to give up waiting for the peer's hello.
    Hello,
    /// When to send the frames that wait for company in their datagram.
    Flush,
    /// When to send a beat, because nothing else was sent.
    Beat,
    /// When to send a beat although frames are flowing, so that the peer can measure the round trip.
    Echo,
    /// When to stop beating fast after the last track was unbound.
    Calm,
    /// When to ask for datagrams that are missing.
    Nack,
    /// When to ask a silent peer for a sign of life.
    Probe,
    /// When to tell the owner that the peer may be dead.
    Suspect,
    /// When to take the peer for dead.
    Down,
    /// When to tell the peer how its datagrams arrive.
    Report,
}

impl Timer {
    /// In the order in which they fire when several are due.
    const ALL: [Self; 10] = [
        Self::Hello,
        Self::Flush,
        Self::Beat,
        Self::Echo,
        Self::Calm,
        Self::Nack,
        Self::Probe,
        Self::Suspect,
        Self::Down,
        Self::Report,
    ];
}

/// The deadlines that are set.
#[derive(Debug, Default)]
pub(super) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one deadline that is due, with when it was due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Timer, Instant)> {
        let due =
            |timer: &Timer| self.0[*timer as usize].filter(|at| *at <= now).map(|at| (*timer, at));
        let found = Timer::ALL.iter().find_map(due)?;
        self.stop(found.0);
        Some(found)
    }
}
