//! What happened in a room, as its owner keeps it: numbered, the newest in memory.

use std::collections::VecDeque;

use stoa_protocol::mesh::control::{LogEntry, LogPage};

use super::limits::LOG_ENTRIES_MAX;

/// What can happen; the names are those of log and webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// The room was made.
    RoomCreated,
    /// What is set of it has changed.
    RoomChanged,
    /// It has ended.
    RoomClosed,
    /// Somebody came.
    ParticipantJoined,
    /// Somebody has gone.
    ParticipantLeft,
    /// A hand went up.
    HandRaised,
    /// A hand went down without success.
    HandLowered,
    /// Somebody was invited to the stage.
    Invited,
    /// Somebody's role has changed.
    RoleChanged,
    /// Somebody was muted by another.
    Muted,
    /// Somebody was sent out.
    Removed,
    /// Somebody is kept out.
    Banned,
    /// Somebody may come in again.
    Unbanned,
    /// The room has another host.
    HostChanged,
    /// Somebody complains of another.
    ReportFiled,
}

impl Happening {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoomCreated => "room-created",
            Self::RoomChanged => "room-changed",
            Self::RoomClosed => "room-closed",
            Self::ParticipantJoined => "participant-joined",
            Self::ParticipantLeft => "participant-left",
            Self::HandRaised => "hand-raised",
            Self::HandLowered => "hand-lowered",
            Self::Invited => "invited",
            Self::RoleChanged => "role-changed",
            Self::Muted => "muted",
            Self::Removed => "removed",
            Self::Banned => "banned",
            Self::Unbanned => "unbanned",
            Self::HostChanged => "host-changed",
            Self::ReportFiled => "report-filed",
        }
    }
}

/// A room's log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Log {
    entries: VecDeque<LogEntry>,
    last: u64,
}

impl Log {
    /// What a store has kept of it.
    pub(super) fn from_store(entries: Vec<LogEntry>, last: u64) -> Self {
        let newest = entries.last().map_or(0, |entry| entry.number);
        Self { entries: entries.into(), last: last.max(newest) }
    }

    /// Its entries in order, and the number of the newest ever.
    pub(super) fn contents(&self) -> (Vec<LogEntry>, u64) {
        (self.entries.iter().cloned().collect(), self.last)
    }

    /// Adds an entry and numbers it.
    pub(super) fn note(&mut self, mut entry: LogEntry) -> LogEntry {
        self.last += 1;
        entry.number = self.last;
        if self.entries.len() >= LOG_ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry.clone());
        entry
    }

    /// Entries below `before` (0: all), newest first.
    pub(super) fn page(&self, before: u64, limit: usize) -> LogPage {
        let below = |entry: &&LogEntry| before == 0 || entry.number < before;
        let mut older = self.entries.iter().rev().filter(below);
        let entries: Vec<LogEntry> = older.by_ref().take(limit).cloned().collect();
        let more = older.next().is_some();
        let next = entries.last().filter(|_| more).map_or(0, |entry| entry.number);
        LogPage { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_oldest_give_way() {
        let mut log = Log::default();
        for _ in 0..LOG_ENTRIES_MAX + 5 {
            log.note(LogEntry::default());
        }
        let numbers = |page: LogPage| page.entries.iter().map(|e| e.number).collect::<Vec<_>>();
        assert_eq!(numbers(log.page(0, 3)), [1_005, 1_004, 1_003]);
        assert_eq!(numbers(log.page(1_004, 2)), [1_003, 1_002]);
        let last = log.page(9, 100);
        assert_eq!((last.next, numbers(last)), (0, vec![8, 7, 6]));
    }
}
