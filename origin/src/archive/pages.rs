//! Pages of a stored log: stores read it from the oldest entry on, people from the newest. Pure.

use stoa_protocol::mesh::control::LogPage;

use crate::service::entry_from_store;
use crate::store::LogEntry;

/// The part of a log that a page shows: entries whose numbers are above the one and below the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) above: u64,
    below: u64,
}

impl Window {
    /// Of the page of `limit` entries below `before` (0: all); `end` is the number of the newest entry ever written.
    pub(super) fn new(before: u64, limit: u32, end: u64) -> Self {
        let below = if before == 0 { end.saturating_add(1) } else { before };
        Self { above: below.saturating_sub(1).saturating_sub(u64::from(limit)), below }
    }

    /// The page, of what the store has behind `above`, and of the oldest entry that is stored. Numbers may be missing,
    /// so it may be shorter than it could be, or empty, though there is a next one.
    pub(super) fn page(&self, stored: &[LogEntry], oldest: Option<u64>) -> LogPage {
        let within = stored.iter().filter(|entry| entry.sequence < self.below);
        let entries = within.rev().map(entry_from_store).collect();
        let more = oldest.is_some_and(|oldest| oldest <= self.above);
        LogPage { entries, next: if more { self.above + 1 } else { 0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64) -> LogEntry {
        let nothing = String::new;
        LogEntry {
            sequence,
            at_ms: 1,
            actor: nothing(),
            what: nothing(),
            subject: nothing(),
            detail: nothing(),
        }
    }

    /// As a store answers.
    fn behind(log: &[LogEntry], above: u64, limit: usize) -> Vec<LogEntry> {
        log.iter().filter(|entry| entry.sequence > above).take(limit).cloned().collect()
    }

    #[test]
    fn page_after_page_every_entry_comes_once_whatever_is_missing() {
        for missing in [vec![], vec![1, 2, 3], vec![4, 5, 6, 7, 8], vec![9], (1..=9).collect()] {
            let log: Vec<LogEntry> = (1..=9).filter(|n| !missing.contains(n)).map(entry).collect();
            let (mut before, mut told) = (0, Vec::new());
            loop {
                let window = Window::new(before, 2, 9);
                let stored = behind(&log, window.above, 2);
                let page = window.page(&stored, log.first().map(|entry| entry.sequence));
                assert!(page.entries.len() <= 2);
                told.extend(page.entries.iter().map(|entry| entry.number));
                before = page.next;
                if before == 0 {
                    break;
                }
            }
            let all: Vec<u64> = log.iter().rev().map(|entry| entry.sequence).collect();
            assert_eq!(told, all, "without {missing:?}");
        }
    }
}
