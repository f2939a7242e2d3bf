//! When the next snapshot of a room is due: the first change at once, further ones coalesced.

use std::time::Instant;

use super::limits::STATE_INTERVAL;

/// Counts a room's changes and paces its snapshots.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcer {
    version: u64,
    announced: u64,
    last: Option<Instant>,
    hurried: bool,
}

impl Announcer {
    /// Something that edges should know has changed.
    pub(super) fn note_change(&mut self) {
        self.version += 1;
    }

    /// The last change must not wait for the interval (a room's end).
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Counts the changes so far.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// When a snapshot is due; `None` while there is nothing new. A time in the past means now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if self.announced == self.version {
            return None;
        }
        match self.last {
            Some(last) if !self.hurried => Some(last + STATE_INTERVAL),
            _ => Some(now),
        }
    }

    /// Whether to send a snapshot now; if so it counts as sent.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let due = self.due(now).is_some_and(|due| due <= now);
        if due {
            self.announced = self.version;
            self.last = Some(now);
            self.hurried = false;
        }
        due
    }
}
