//! How many bytes may be under way: a pure state machine over acknowledgements and losses.
//!
//! In rounds of a round-trip time: little queueing delay lets the window grow with what was delivered,
//! much shrinks it towards the measured bandwidth-delay product. The smallest round-trip time is
//! forgotten after a minute, so that a route change does not look like a queue for ever.

use std::time::{Duration, Instant};

/// Queueing delay below which the window grows.
const QUEUE_LOW: Duration = Duration::from_millis(20);
/// Queueing delay above which the window shrinks fast; between the two it shrinks slowly.
const QUEUE_HIGH: Duration = Duration::from_millis(60);
/// Lost share of a round, in percent, that is no noise any more, even without a queue: a policer.
const LOSS_HEAVY_PERCENT: u64 = 40;
/// Bytes that a round needs before its lost share means anything.
const LOSS_SAMPLE_BYTES: u64 = 32 * 1_024;
/// Shortest round; acknowledgements may be delayed by up to 25 ms (RFC 9000 section 18.2).
const ROUND_MIN: Duration = Duration::from_millis(25);
/// The smallest round-trip time is the minimum of the current and the last span of this length.
const BASE_SPAN: Duration = Duration::from_secs(30);
/// Without a sample near the smallest for so long, the queue is drained to look below it.
const BASE_UNSEEN_MAX: Duration = Duration::from_secs(10);
/// The floor, whatever the round-trip time: a burst of control messages passes unthrottled.
const FLOOR_BYTES_MIN: u64 = 64 * 1_024;
/// Round-trip times above this count as this when the floor is computed.
const FLOOR_RTT_MAX: Duration = Duration::from_secs(2);
/// Largest window.
const WINDOW_BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// One packet was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acked {
    /// When it was sent.
    pub(super) sent: Instant,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// Whether the sender had nothing more to send.
    pub(super) app_limited: bool,
    /// The connection's smoothed round-trip time, without acknowledgement delay.
    pub(super) smoothed: Duration,
}

/// How many bytes may be under way.
#[derive(Clone, Debug)]
pub(super) struct Window {
    booked_bytes_per_second: u64,
    mtu: u64,
    earned: u64,
    /// Until the first sign of congestion the window doubles per round.
    starting: bool,
    smoothed: Duration,
    base: Base,
    round: Round,
}

/// The smallest round-trip time of the last 30 to 60 seconds.
#[derive(Clone, Debug)]
struct Base {
    current: Option<Duration>,
    last: Option<Duration>,
    span_start: Instant,
    /// When a sample last came close to the minimum.
    seen: Instant,
}

#[derive(Clone, Debug)]
struct Round {
    start: Instant,
    rtt_min: Option<Duration>,
    acked: u64,
    lost: u64,
    marked: bool,
    /// Whether the window was what limited the sender.
    window_limited: bool,
}

impl Window {
    pub(super) fn new(booked_bytes_per_second: u64, mtu: u16, now: Instant) -> Self {
        let mut window = Self {
            booked_bytes_per_second,
            mtu: u64::from(mtu),
            earned: 0,
            starting: true,
            // Unknown yet: quinn assumes the same until the first sample (RFC 9002 section 6.2.2).
            smoothed: Duration::from_millis(333),
            base: Base { current: None, last: None, span_start: now, seen: now },
            round: Round::new(now),
        };
        window.earned = window.floor();
        window
    }

    /// Bytes that may be under way.
    pub(super) fn bytes(&self) -> u64 {
        self.earned.max(self.floor())
    }

    /// What a new connection starts with.
    pub(super) fn initial_bytes(&self) -> u64 {
        FLOOR_BYTES_MIN
    }

    pub(super) fn handle_mtu(&mut self, mtu: u16) {
        self.mtu = u64::from(mtu);
    }

    pub(super) fn handle_ack(&mut self, acked: &Acked, now: Instant) {
        self.smoothed = acked.smoothed;
        // The smoothed value knows the acknowledgement delay, the sample knows the latest state of
        // the queue: the smaller one blames the network for no more than it did.
        let sample = now.saturating_duration_since(acked.sent).min(acked.smoothed);
        self.base.note(sample, now);
        self.round.rtt_min = Some(self.round.rtt_min.map_or(sample, |min| min.min(sample)));
        self.round.acked = self.round.acked.saturating_add(acked.bytes);
        self.round.window_limited |= !acked.app_limited;
        let long_enough = now.saturating_duration_since(self.round.start) >= ROUND_MIN;
        if acked.sent >= self.round.start && long_enough {
            self.end_round(now);
        }
    }

    pub(super) fn handle_loss(&mut self, lost_bytes: u64) {
        self.round.lost = self.round.lost.saturating_add(lost_bytes);
    }

    /// A router marked a packet instead of dropping it (ECN).
    pub(super) fn handle_mark(&mut self) {
        self.round.marked = true;
    }

    /// Nothing came through for a long time: what was known about the path is worth nothing.
    pub(super) fn handle_outage(&mut self, now: Instant) {
        self.earned = self.floor();
        self.starting = true;
        self.base = Base { current: None, last: None, span_start: now, seen: now };
        self.round = Round::new(now);
    }

    /// What the booked audio needs at the current round-trip time, with a quarter to spare.
    fn floor(&self) -> u64 {
        let rtt_ms = self.smoothed.min(FLOOR_RTT_MAX).as_millis();
        let rtt_ms = u64::try_from(rtt_ms).unwrap_or(u64::MAX);
        let booked = self.booked_bytes_per_second.saturating_mul(rtt_ms) / 800;
        booked.max(FLOOR_BYTES_MIN).max(10 * self.mtu).min(WINDOW_BYTES_MAX)
    }

    fn end_round(&mut self, now: Instant) {
        let round = std::mem::replace(&mut self.round, Round::new(now));
        let (Some(rtt), Some(base)) = (round.rtt_min, self.base.minimum()) else { return };
        let queue = rtt.saturating_sub(base);
        let heavy_loss = round.loss_is_heavy();
        let current = self.bytes();
        self.earned = if queue > QUEUE_HIGH || round.marked || heavy_loss {
            self.starting = false;
            let path_holds = round.delivered_in(base + QUEUE_LOW, now);
            (current * 7 / 10).max(path_holds.min(current * 9 / 10))
        } else if queue > QUEUE_LOW {
            self.starting = false;
            current * 19 / 20
        } else if self.base.is_stale(now) {
            self.base.seen = now;
            current / 2
        } else if round.window_limited {
            let step = if self.starting { round.acked } else { round.acked / 8 };
            current.saturating_add(step.max(self.mtu))
        } else {
            current
        };
        self.earned = self.earned.clamp(self.floor(), WINDOW_BYTES_MAX);
    }
}

impl Base {
    fn minimum(&self) -> Option<Duration> {
        match (self.current, self.last) {
            (Some(current), Some(last)) => Some(current.min(last)),
            (current, last) => current.or(last),
        }
    }

    fn note(&mut self, sample: Duration, now: Instant) {
        if now.saturating_duration_since(self.span_start) >= BASE_SPAN {
            self.last = self.current.take();
            self.span_start = now;
        }
        let near = self.minimum().is_none_or(|min| sample <= min + min / 16 + QUEUE_LOW / 10);
        if near {
            self.seen = now;
        }
        self.current = Some(self.current.map_or(sample, |min| min.min(sample)));
    }

    fn is_stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) > BASE_UNSEEN_MAX
    }
}

impl Round {
    fn new(now: Instant) -> Self {
        Self { start: now, rtt_min: None, acked: 0, lost: 0, marked: false, window_limited: false }
    }

    fn loss_is_heavy(&self) -> bool {
        let total = self.acked.saturating_add(self.lost);
        total >= LOSS_SAMPLE_BYTES && self.lost.saturating_mul(100) / total >= LOSS_HEAVY_PERCENT
    }

    /// How much the path delivers in `span`, at this round's rate.
    fn delivered_in(&self, span: Duration, now: Instant) -> u64 {
        let round = now.saturating_duration_since(self.start).as_micros().max(1);
        let bytes = u128::from(self.acked) * span.as_micros() / round;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
