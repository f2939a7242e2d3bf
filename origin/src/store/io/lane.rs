//! A journal and the task that empties it. A room always uses the same lane, so its writes keep their order; several
//! lanes let a store put writes of different rooms into one commit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, oneshot};

use super::fenced::Fenced;
use crate::store::error::StoreError;
use crate::store::journal::{Journal, JournalLimits, Ticket};
use crate::store::limits::{JOURNAL_BYTES_MAX, JOURNAL_WRITES_MAX, LANES, RECEIPTS_MAX};
use crate::store::metrics::StoreMetrics;
use crate::store::operation::{Kind, Operation, Store};

type Waiting = oneshot::Sender<Result<(), StoreError>>;

/// Tells when a write is stored. It may be dropped: the write goes on.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<(), StoreError>>);

impl Receipt {
    /// Waits until the write has ended, through any outage of its store.
    ///
    /// # Errors
    /// When the store refused it for good, or the origin ends first.
    pub async fn stored(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or_else(|_| Err(StoreError::unavailable("the origin has ended")))
    }
}

#[derive(Debug)]
pub(super) struct Lane {
    kind: Kind,
    inner: Mutex<Inner>,
    wake: Notify,
    /// Told whenever a write has ended.
    pub(super) progress: Notify,
    metrics: StoreMetrics,
    fenced: Fenced,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    waiting: BTreeMap<Ticket, Waiting>,
    tickets: u64,
    /// As last told to the metrics, which add up all lanes.
    length: usize,
}

impl Lane {
    pub(super) fn new(kind: Kind, metrics: StoreMetrics, fenced: Fenced) -> Self {
        let limits =
            JournalLimits { writes: JOURNAL_WRITES_MAX / LANES, bytes: JOURNAL_BYTES_MAX / LANES };
        let journal = Journal::new(limits);
        let inner = Inner { journal, waiting: BTreeMap::new(), tickets: 0, length: 0 };
        let (wake, progress) = (Notify::new(), Notify::new());
        Self { kind, inner: Mutex::new(inner), wake, progress, metrics, fenced }
    }

    pub(super) fn write(&self, operation: Operation) -> Result<Receipt, StoreError> {
        operation.check()?;
        let (told, receipt) = oneshot::channel();
        let mut inner = self.inner();
        if inner.waiting.len() >= RECEIPTS_MAX / LANES {
            // Whoever has gone makes room for who still waits.
            inner.waiting.retain(|_, waiting| !waiting.is_closed());
        }
        if inner.waiting.len() >= RECEIPTS_MAX / LANES {
            self.metrics.note_dropped(self.kind, "limit");
            let max = (RECEIPTS_MAX / LANES) as u64;
            return Err(StoreError::Limit { what: "the number of receipts", found: max + 1, max });
        }
        let ticket = Ticket(inner.tickets);
        inner.tickets += 1;
        if let Err(error) = inner.journal.handle_write(operation, Some(ticket)) {
            self.metrics.note_dropped(self.kind, error.label());
            return Err(error);
        }
        inner.waiting.insert(ticket, told);
        self.note_length(&mut inner);
        drop(inner);
        self.wake.notify_one();
        Ok(Receipt(receipt))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inner().journal.is_empty()
    }

    /// Gives the store one write after the other; `stored` hears of each that it has taken. Never ends.
    pub(super) async fn run(&self, store: &dyn Store, stored: impl Fn(&Operation)) {
        loop {
            let (next, until) = {
                let mut inner = self.inner();
                (inner.journal.next_write(Instant::now()), inner.journal.poll_timeout())
            };
            match (next, until) {
                (Some(operation), _) => {
                    let outcome = store.apply(operation.clone()).await;
                    if outcome.is_ok() {
                        stored(&operation);
                    }
                    self.settle(&operation, &outcome);
                }
                (None, None) => self.wake.notified().await,
                (None, Some(until)) => {
                    // A new write need not be heard now: its turn comes after the one that failed.
                    tokio::time::sleep_until(until.into()).await;
                }
            }
        }
    }

    fn settle(
        &self,
        operation: &Operation,
        outcome: &Result<crate::store::operation::Answer, StoreError>,
    ) {
        if let Err(error) = outcome
            && !error.is_transient()
        {
            self.metrics.note_dropped(self.kind, error.label());
            if let (StoreError::Fenced { .. }, Some(room)) = (error, operation.room()) {
                // Another origin has taken the room, and writes down by itself what its standby was told.
                tracing::debug!(operation = operation.label(), %error, "a late write was refused");
                self.fenced.note(room);
            } else {
                tracing::warn!(operation = operation.label(), %error, "a write was refused for good");
            }
        }
        let mut inner = self.inner();
        for settled in inner.journal.handle_outcome(outcome, Instant::now()) {
            if let Some(waiting) = inner.waiting.remove(&settled.ticket) {
                // Whoever waited may have gone.
                let _ = waiting.send(settled.outcome);
            }
        }
        self.note_length(&mut inner);
        drop(inner);
        self.progress.notify_one();
    }

    fn note_length(&self, inner: &mut Inner) {
        let length = inner.journal.len();
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        self.metrics.note_journal(self.kind, signed(length) - signed(inner.length));
        inner.length = length;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
