//! How fast a client may talk, and how long it may be silent. Pure.

use std::time::{Duration, Instant};

use super::super::allowance::Allowance;

/// Messages a client may send per second, on average.
pub(super) const MESSAGES_PER_S: u32 = 20;
/// Messages a client may send at once.
pub(super) const MESSAGES_BURST: u32 = 40;
/// From the open WebSocket to `join`.
pub(super) const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// Between two pings.
pub(super) const PING_EVERY: Duration = Duration::from_secs(20);
/// Without any frame from the client, pongs included.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(30);
/// For one frame to leave; a client that reads nothing for so long is cut off.
pub(super) const SEND_WITHIN: Duration = Duration::from_secs(5);
/// For the client's answer to our closing frame.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A full allowance of messages.
#[must_use]
pub(super) fn messages(now: Instant) -> Allowance {
    Allowance::new(Duration::from_secs(1) / MESSAGES_PER_S, MESSAGES_BURST, now)
}

/// Reactions a client may give per second, on average.
const REACTIONS_PER_S: u32 = 4;
/// Reactions a client may give at once.
const REACTIONS_BURST: u32 = 12;

/// A full allowance of reactions.
#[must_use]
pub(super) fn reactions(now: Instant) -> Allowance {
    Allowance::new(Duration::from_secs(1) / REACTIONS_PER_S, REACTIONS_BURST, now)
}

/// Which deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No `join` came.
    Join,
    /// A ping should be sent.
    Ping,
    /// The client gives no sign of life.
    Silence,
    /// The client does not read.
    Send,
    /// The client does not answer our closing frame.
    Close,
}

/// All deadlines of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    join: Option<Instant>,
    ping: Instant,
    silence: Instant,
    send: Option<Instant>,
    close: Option<Instant>,
}

impl Watch {
    /// A conversation has begun.
    #[must_use]
    pub(super) fn new(now: Instant) -> Self {
        Self {
            join: Some(now + JOIN_WITHIN),
            ping: now + PING_EVERY,
            silence: now + SILENCE_MAX,
            send: None,
            close: None,
        }
    }

    /// The client is in.
    pub(super) fn joined(&mut self) {
        self.join = None;
    }

    /// Any frame of the client.
    pub(super) fn heard(&mut self, now: Instant) {
        self.silence = now + SILENCE_MAX;
    }

    /// Something waits to be sent, or nothing does.
    pub(super) fn sending(&mut self, waits: bool, now: Instant) {
        if !waits {
            self.send = None;
        } else if self.send.is_none() {
            self.send = Some(now + SEND_WITHIN);
        }
    }

    /// A frame has left.
    pub(super) fn sent(&mut self) {
        self.send = None;
    }

    /// The closing frame has been written.
    pub(super) fn closing(&mut self, now: Instant) {
        self.join = None;
        self.close.get_or_insert(now + CLOSE_WITHIN);
    }

    /// When to look again.
    #[must_use]
    pub(super) fn poll_timeout(&self) -> Instant {
        let optional = [self.join, self.send, self.close].into_iter().flatten();
        optional.fold(self.ping.min(self.silence), Instant::min)
    }

    /// What is overdue; the gravest first. A ping is planned anew by asking.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Overdue> {
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.send) {
            return Some(Overdue::Send);
        }
        if passed(self.close) {
            return Some(Overdue::Close);
        }
        if self.silence <= now {
            return Some(Overdue::Silence);
        }
        if passed(self.join) {
            return Some(Overdue::Join);
        }
        if self.ping <= now {
            self.ping = now + PING_EVERY;
            return Some(Overdue::Ping);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_twenty_a_second() {
        let start = Instant::now();
        let mut pace = messages(start);
        assert_eq!((0..50).filter(|_| pace.admit(start)).count(), 40);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..50).filter(|_| pace.admit(later)).count(), 20);
    }

    #[test]
    fn deadlines_come_in_their_order() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(start);
        assert_eq!(watch.poll_timeout(), at(10));
        assert_eq!(watch.handle_timeout(at(9)), None);
        assert_eq!(watch.handle_timeout(at(10)), Some(Overdue::Join));
        watch.joined();
        assert_eq!(watch.poll_timeout(), at(20));
        assert_eq!(watch.handle_timeout(at(20)), Some(Overdue::Ping));
        assert_eq!(watch.poll_timeout(), at(30));
        watch.heard(at(21));
        assert_eq!(watch.handle_timeout(at(40)), Some(Overdue::Ping));
        assert_eq!(watch.handle_timeout(at(51)), Some(Overdue::Silence));
    }

    #[test]
    fn a_frame_that_does_not_leave_is_overdue_after_five_seconds() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        watch.sending(true, start);
        watch.sending(true, start + Duration::from_secs(4));
        assert_eq!(watch.handle_timeout(start + SEND_WITHIN), Some(Overdue::Send));
        watch.sent();
        assert_eq!(watch.handle_timeout(start + SEND_WITHIN), None);
    }
}
