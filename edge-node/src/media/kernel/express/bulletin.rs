//! The table as workers get it: a thread reads the kernel's tables every few seconds and posts them here;
//! workers look at a number, and never wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use super::error::ExpressError;
use super::interface::Interface;
use super::table::Table;

/// How long a change of routes or neighbours may go unnoticed.
const REFRESH: Duration = Duration::from_secs(2);

/// The newest table.
#[derive(Debug)]
pub(super) struct Bulletin {
    table: Mutex<Table>,
    edition: AtomicU64,
}

impl Bulletin {
    pub(super) fn new(table: Table) -> Self {
        Self { table: Mutex::new(table), edition: AtomicU64::new(1) }
    }

    /// Starts the thread that keeps a bulletin about `interface` up to date, as long as somebody reads it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn about(interface: Interface) -> Result<Arc<Self>, ExpressError> {
        let table = interface.read();
        let mut was_open = table.is_open();
        let bulletin = Arc::new(Self::new(table));
        let readers = Arc::downgrade(&bulletin);
        let watch = move || {
            loop {
                thread::sleep(REFRESH);
                let Some(bulletin) = readers.upgrade() else { return };
                let table = interface.read();
                let is_open = table.is_open();
                bulletin.post(table);
                if is_open != was_open {
                    was_open = is_open;
                    tell(interface.name(), is_open);
                }
            }
        };
        let thread = thread::Builder::new().name("express-routes".to_owned());
        thread.spawn(watch).map_err(ExpressError::Thread)?;
        Ok(bulletin)
    }

    pub(super) fn post(&self, table: Table) {
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = table;
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// Brings a reader's copy up to date; says whether it has changed. A reader who would have to wait for the
    /// writer reads the next time.
    pub(super) fn read(&self, edition: &mut u64, table: &mut Table) -> bool {
        let newest = self.edition.load(Ordering::Acquire);
        if newest == *edition {
            return false;
        }
        let latest = match self.table.try_lock() {
            Ok(latest) => latest,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        table.adopt(&latest);
        *edition = newest;
        true
    }
}

fn tell(interface: &str, is_open: bool) {
    if is_open {
        tracing::info!(
            interface,
            "the express path is open: a neighbour's hardware address is known"
        );
    } else {
        tracing::warn!(
            interface,
            "the express path is closed: no neighbour's hardware address is known"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::Bulletin;
    use crate::media::kernel::express::table::{Own, Table};

    #[test]
    fn a_reader_gets_each_edition_once_and_waits_for_no_writer() {
        let bulletin = Bulletin::new(Table::default());
        let (mut edition, mut table) = (0, Table::with_room());
        assert!(bulletin.read(&mut edition, &mut table));
        assert!(!bulletin.read(&mut edition, &mut table));
        let own = Own { address: [192, 0, 2, 1].into(), mac: [2; 6], mtu: 1_500 };
        bulletin.post(Table::new(own, Vec::new(), Vec::new()));
        let writing = bulletin.table.lock().unwrap();
        assert!(!bulletin.read(&mut edition, &mut table), "a writer is at it");
        drop(writing);
        assert!(bulletin.read(&mut edition, &mut table));
        assert_eq!(table.own(), Some(own));
    }
}
