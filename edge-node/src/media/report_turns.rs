//! Whose sender report comes next: listeners take turns, so that reports are spread evenly over time.

use std::time::{Duration, Instant};

use super::Outbox;
use super::fanout::Room;

/// Each listener's turn comes this often. Twice the least interval of RFC 3550 section 6.2: nobody synchronises lips to these
/// voices, and a report costs as much as a packet.
const INTERVAL: Duration = Duration::from_secs(10);

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct ReportTurns {
    /// Room, and listener counted through all its groups.
    next: (usize, usize),
    /// Turns that are owed, in listeners times milliseconds.
    debt: u64,
    taken_at: Option<Instant>,
}

impl ReportTurns {
    /// Lets everybody report whose turn has come since the last call.
    pub(super) fn take(
        &mut self,
        rooms: &mut [Room],
        listeners: usize,
        now: Instant,
        ntp: u64,
        out: &mut impl Outbox,
    ) {
        let last = self.taken_at.replace(now).unwrap_or(now);
        let elapsed = now.saturating_duration_since(last).min(INTERVAL);
        let interval_ms = u64::try_from(INTERVAL.as_millis()).unwrap_or(u64::MAX);
        self.debt += u64::try_from(elapsed.as_millis()).unwrap_or(0) * listeners as u64;
        let turns = (self.debt / interval_ms).min(listeners as u64);
        self.debt %= interval_ms;
        for _ in 0..turns {
            if !self.advance(rooms) {
                return;
            }
            let (room, at) = self.next;
            self.next.1 += 1;
            if let Some(room) = rooms.get_mut(room) {
                report(room, at, now, ntp, out);
            }
        }
    }

    /// Goes on to the next listener that there is; says whether there is one.
    fn advance(&mut self, rooms: &[Room]) -> bool {
        for _ in 0..=rooms.len() {
            match rooms.get(self.next.0) {
                Some(room) if self.next.1 < room.listeners() => return true,
                Some(_) => self.next = (self.next.0 + 1, 0),
                None => self.next = (0, 0),
            }
        }
        false
    }
}

fn report(room: &mut Room, mut at: usize, now: Instant, ntp: u64, out: &mut impl Outbox) {
    for hall in &mut room.halls {
        let clocks = [false, true].map(|single| hall.clocks(single, now));
        for group in hall.groups_mut() {
            let single = usize::from(group.cut().single);
            match group.listener_mut(at) {
                Some(listener) => return listener.report(&clocks[single], ntp, false, out),
                None => at -= group.len(),
            }
        }
    }
}
