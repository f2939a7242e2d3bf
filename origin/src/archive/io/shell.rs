//! The stores behind the archive: answers to questions, and the periodic work of retention.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stoa_protocol::mesh::control::Answer as Told;
use tokio::sync::Semaphore;

use super::{erasing, reading};
use crate::archive::retention::Retention;
use crate::keeping::Scribe;
use crate::service::{Look, Refusal};
use crate::store::{Answer, Operation, RoomRecord, StoreError};

/// Questions to the store that may be under way; more are refused and counted.
const LOOKS_MAX: usize = 64;

/// Rooms that retention looks at before it pauses, so that it never holds up the writes of live rooms.
const ROOMS_PER_PORTION: u32 = 32;

/// The pause.
const PAUSE: Duration = Duration::from_millis(200);

/// Revocations that retention looks at before it pauses.
const REVOCATIONS_PER_PORTION: u32 = 256;

/// Most steps in which a single log is trimmed at a time; the rest waits for the next time.
const TRIMS_MAX: usize = 50;

/// What happened in the archive since the start.
#[derive(Debug, Default)]
pub struct Tally {
    /// Questions refused because too many were under way.
    pub busy: AtomicU64,
    /// Rooms that retention has erased.
    pub rooms: AtomicU64,
    /// Entries of logs that retention has erased.
    pub entries: AtomicU64,
    /// Times that retention did not get to its end because a store was away.
    pub failures: AtomicU64,
}

/// What stores keep beyond memory. Clones share their limits.
#[derive(Clone, Debug)]
pub struct Archive {
    scribe: Scribe,
    looks: Arc<Semaphore>,
    tally: Arc<Tally>,
}

/// How the archive reaches stores.
pub(super) trait Stored {
    /// Reads.
    async fn ask(&self, operation: Operation) -> Result<Answer, Refusal>;
    /// Writes, after everything else that was written of the same room, and waits until it is stored.
    async fn write(&self, operation: Operation) -> Result<(), Refusal>;
}

impl Stored for Scribe {
    async fn ask(&self, operation: Operation) -> Result<Answer, Refusal> {
        Self::ask(self, operation).await.map_err(|error| away(&error))
    }

    async fn write(&self, operation: Operation) -> Result<(), Refusal> {
        Self::write(self, operation).kept().await.map_err(|error| away(&error))
    }
}

fn away(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "the archive could not be reached");
    Refusal::StoreAway
}

impl Archive {
    /// Of the stores that this scribe writes to.
    #[must_use]
    pub fn new(scribe: Scribe) -> Self {
        let looks = Arc::new(Semaphore::new(LOOKS_MAX));
        Self { scribe, looks, tally: Arc::default() }
    }

    /// What happened.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Does what a request takes, and gives its answer.
    pub async fn answer(&self, look: Look) -> Told {
        let Ok(_permit) = self.looks.try_acquire() else {
            self.tally.busy.fetch_add(1, Ordering::Relaxed);
            return Told::Problem(Refusal::StoreBusy.problem());
        };
        let outcome = match look {
            Look::Refused(refusal) => Err(refusal),
            Look::Log { room, tenant, before, limit, person } => {
                let page = (before, limit);
                let person = person.as_ref();
                reading::log(&self.scribe, &room, &tenant, page, person).await.map(Told::Log)
            }
            Look::Erase { tenant, identity, live, erased } => {
                erasing::erase(&self.scribe, &tenant, &identity, &live, erased)
                    .await
                    .map(Told::Erased)
            }
        };
        outcome.unwrap_or_else(|refusal| Told::Problem(refusal.problem()))
    }

    /// Erases once whatever is too old at `now_ms`, in portions.
    pub async fn retain(&self, retention: Retention, now_ms: u64) {
        let outcome = async {
            self.retain_rooms(retention, now_ms).await?;
            self.retain_revocations(now_ms / 1_000).await
        };
        if let Err(error) = outcome.await {
            self.tally.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "retention did not get to its end; it begins anew next time");
        }
    }

    async fn retain_rooms(&self, retention: Retention, now_ms: u64) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = Operation::Rooms { after, limit: ROOMS_PER_PORTION };
            let Answer::Rooms(records) = self.scribe.ask(page).await? else { return Ok(()) };
            let Some(last) = records.last() else { return Ok(()) };
            after = Some(last.room.clone());
            for record in &records {
                self.retain_room(record, retention, now_ms).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn retain_room(
        &self,
        record: &RoomRecord,
        retention: Retention,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let (room, epoch) = (record.room.clone(), record.ownership.epoch);
        if record.closed_ms.is_some_and(|closed_ms| retention.is_over(closed_ms, now_ms)) {
            return match self.scribe.ask(Operation::Erase { room, epoch }).await {
                Ok(_) => {
                    self.tally.rooms.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                Err(error) if error.is_transient() => Err(error),
                // Somebody has made it anew or erased it in between.
                Err(_) => Ok(()),
            };
        }
        let Some(before_ms) = retention.log_horizon_ms(now_ms) else { return Ok(()) };
        for _ in 0..TRIMS_MAX {
            let trim = Operation::Trim { room: room.clone(), before_ms };
            match self.scribe.ask(trim).await? {
                Answer::Trimmed(count) if count > 0 => {
                    self.tally.entries.fetch_add(count.into(), Ordering::Relaxed);
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Revocations go when no token that they concern can still be valid.
    async fn retain_revocations(&self, now_unix_s: u64) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = Operation::Revocations { after, limit: REVOCATIONS_PER_PORTION };
            let Answer::Revocations(kept) = self.scribe.ask(page).await? else { return Ok(()) };
            let Some(last) = kept.last() else { return Ok(()) };
            after = last.id.clone();
            for over in kept.into_iter().filter(|kept| kept.expires_unix_s <= now_unix_s) {
                self.scribe.ask(Operation::Unrevoke { id: over.id }).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
