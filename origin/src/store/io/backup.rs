//! Copies of hot state in the durable store, and their way back.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
#[cfg(feature = "redis")]
use std::time::Duration;
use std::time::Instant;

use stoa_protocol::ids::RoomId;

use crate::store::error::StoreError;
use crate::store::hot::{HotRoom, difference, in_writes};
use crate::store::limits::CHANGED_ROOMS_MAX;
use crate::store::metrics::StoreMetrics;
use crate::store::operation::{Answer, Operation, Store};

/// Rooms whose hot state has changed since it was last copied.
#[derive(Debug, Default)]
pub(super) struct Changed(Mutex<BTreeSet<RoomId>>);

impl Changed {
    /// Notes the room of a write. Beyond the maximum a room waits for its next change.
    pub(super) fn note(&self, operation: &Operation, metrics: &StoreMetrics) {
        let (Operation::Note { room, .. }
        | Operation::Dissolve { room, .. }
        | Operation::Forget(room)) = operation
        else {
            return;
        };
        self.add(room, metrics);
    }

    fn add(&self, room: &RoomId, metrics: &StoreMetrics) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() < CHANGED_ROOMS_MAX {
            rooms.insert(room.clone());
        } else if !rooms.contains(room) {
            let max = CHANGED_ROOMS_MAX as u64;
            let error = StoreError::Limit { what: "the rooms to copy", found: max + 1, max };
            metrics.note_backup(Some(&error));
        }
    }

    fn take(&self) -> BTreeSet<RoomId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Copies every room that has changed; those that fail wait for the next round.
pub(super) async fn copy_changed(
    changed: &Changed,
    hot: &dyn Store,
    durable: &dyn Store,
    metrics: &StoreMetrics,
) {
    let began = Instant::now();
    for room in changed.take() {
        let outcome = copy(&room, hot, durable).await;
        metrics.note_backup(outcome.as_ref().err());
        match outcome {
            Ok(()) | Err(StoreError::Fenced { .. }) => {}
            Err(error) => {
                tracing::debug!(%room, %error, "hot state was not copied");
                changed.add(&room, metrics);
            }
        }
    }
    metrics.note_backup_round(began.elapsed());
}

/// Brings a room's copy to what it is now, by writing what differs.
async fn copy(room: &RoomId, from: &dyn Store, to: &dyn Store) -> Result<(), StoreError> {
    let Some(now) = hot_room(from, room).await? else {
        return to.apply(Operation::Forget(room.clone())).await.map(drop);
    };
    let before = hot_room(to, room).await?.unwrap_or_default();
    write(room, &before, &now, to).await
}

async fn write(
    room: &RoomId,
    before: &HotRoom,
    now: &HotRoom,
    to: &dyn Store,
) -> Result<(), StoreError> {
    for changes in in_writes(difference(before, now)) {
        let note = Operation::Note { room: room.clone(), epoch: now.epoch, changes };
        to.apply(note).await?;
    }
    Ok(())
}

/// The hot state of a room.
pub(crate) async fn hot_room(
    store: &dyn Store,
    room: &RoomId,
) -> Result<Option<HotRoom>, StoreError> {
    match store.apply(Operation::Hot(room.clone())).await? {
        Answer::Hot(hot) => Ok(hot),
        _ => Err(StoreError::corrupt("an answer of another kind")),
    }
}

/// What the task needs that keeps Redis filled and copied.
#[cfg(feature = "redis")]
pub(super) struct Keeper<'a> {
    pub(super) redis: &'a crate::store::redis::Redis,
    pub(super) durable: &'a dyn Store,
    pub(super) hot: &'a dyn Store,
    pub(super) changed: &'a Changed,
    pub(super) metrics: &'a StoreMetrics,
    pub(super) interval: Duration,
    /// Told after each time that Redis has been found, or filled.
    pub(super) found: &'a tokio::sync::watch::Sender<u64>,
}

#[cfg(feature = "redis")]
impl Keeper<'_> {
    /// Never ends.
    pub(super) async fn run(&self) {
        self.find().await;
        let mut copies = tokio::time::interval(self.interval);
        copies.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.redis.lost() => self.find().await,
                _ = copies.tick() => {
                    copy_changed(self.changed, self.hot, self.durable, self.metrics).await;
                }
            }
        }
    }

    /// Tries until Redis is there and filled.
    async fn find(&self) {
        const PAUSE: Duration = Duration::from_millis(200);
        loop {
            match self.redis.adopt_or_restore(self.durable).await {
                Ok(restored) => {
                    tracing::info!(restored, "Redis is there");
                    self.metrics.note_restoration();
                    self.found.send_modify(|count| *count += 1);
                    return;
                }
                Err(error) => tracing::debug!(%error, "Redis is not there"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
