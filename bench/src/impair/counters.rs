//! What happened on a path, counted by the proxy's thread and read by whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::model::Cause;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the target.
    Up,
    /// From the target to the client.
    Down,
}

/// One direction's counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Packets that came in.
    pub packets: u64,
    /// Their bytes, UDP payload only.
    pub bytes: u64,
    /// Packets passed on.
    pub delivered: u64,
    /// Packets lost as asked.
    pub lost: u64,
    /// Packets that found the queue before the rate limit full.
    pub queue_full: u64,
    /// Packets that met a cut.
    pub cut: u64,
    /// Packets dropped because the proxy held its maximum.
    pub overflow: u64,
    /// Packets that the kernel would not take.
    pub unsent: u64,
}

#[derive(Debug, Default)]
pub(super) struct DirectionCounters {
    packets: AtomicU64,
    bytes: AtomicU64,
    delivered: AtomicU64,
    lost: AtomicU64,
    queue_full: AtomicU64,
    cut: AtomicU64,
    overflow: AtomicU64,
    unsent: AtomicU64,
}

impl DirectionCounters {
    pub(super) fn count_packet(&self, length: usize) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
    }

    pub(super) fn count_drop(&self, cause: Cause) {
        let counter = match cause {
            Cause::Loss => &self.lost,
            Cause::Queue => &self.queue_full,
            Cause::Cut => &self.cut,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_overflow(&self) {
        self.overflow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_sent(&self, sent: bool) {
        let counter = if sent { &self.delivered } else { &self.unsent };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn sample(&self) -> Sample {
        Sample {
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            queue_full: self.queue_full.load(Ordering::Relaxed),
            cut: self.cut.load(Ordering::Relaxed),
            overflow: self.overflow.load(Ordering::Relaxed),
            unsent: self.unsent.load(Ordering::Relaxed),
        }
    }
}

/// Both directions, and the clients.
#[derive(Debug, Default)]
pub(super) struct Counters {
    up: DirectionCounters,
    down: DirectionCounters,
    flows: AtomicU64,
    evicted: AtomicU64,
}

impl Counters {
    pub(super) fn of(&self, direction: Direction) -> &DirectionCounters {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    pub(super) fn sample(&self, direction: Direction) -> Sample {
        self.of(direction).sample()
    }

    pub(super) fn note_flows(&self, count: usize, evicted: bool) {
        self.flows.store(count as u64, Ordering::Relaxed);
        self.evicted.fetch_add(u64::from(evicted), Ordering::Relaxed);
    }

    /// Clients now, and how many had to make room for others.
    pub(super) fn flows(&self) -> (u64, u64) {
        (self.flows.load(Ordering::Relaxed), self.evicted.load(Ordering::Relaxed))
    }
}
