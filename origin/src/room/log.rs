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

    /// Whether what a page of entries below `before` (0: all) begins with is here, or nowhere.
    pub(super) fn covers(&self, before: u64) -> bool {
        let oldest = self.oldest();
        oldest <= 1 || (!self.entries.is_empty() && (before == 0 || before > oldest))
    }

    /// The number of the oldest entry that is here; what is older is in the store alone.
    pub(super) fn oldest(&self) -> u64 {
        self.entries.front().map_or(self.last + 1, |entry| entry.number)
    }

    /// Forgets what is older than this.
    pub(super) fn trim(&mut self, before_ms: u64) {
        while self.entries.front().is_some_and(|entry| entry.at_ms < before_ms) {
            self.entries.pop_front();
        }
    }

    /// Replaces an identity wherever it is named; gives the entries that were changed.
    pub(super) fn rename(&mut self, identity: &str, to: &str) -> Vec<LogEntry> {
        let renamed = self.entries.iter_mut().filter_map(|entry| {
            let mut changed = false;
            for named in [&mut entry.actor, &mut entry.subject] {
                if named == identity {
                    to.clone_into(named);
                    changed = true;
                }
            }
            changed.then(|| entry.clone())
        });
        renamed.collect()
    }

    /// Entries below `before` (0: all), newest first.
    pub(super) fn page(&self, before: u64, limit: usize) -> LogPage {
        let below = |entry: &&LogEntry| before == 0 || entry.number < before;
        let mut older = self.entries.iter().rev().filter(below);
        let entries: Vec<LogEntry> = older.by_ref().take(limit).cloned().collect();
        let more = older.next().is_some() || self.oldest() > 1;
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
        assert_eq!((last.next, numbers(last)), (6, vec![8, 7, 6]), "older ones are in the store");
        assert!(log.covers(0) && log.covers(7) && !log.covers(6));
    }
}
