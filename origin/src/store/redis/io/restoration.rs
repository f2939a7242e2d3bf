//! What fills a server that came back empty. One process holds a lock and copies all hot state from the durable
//! store, then sets the marker; others wait for the marker. Until then every call is refused as unavailable,
//! so that no read takes a lost room for an empty one.

use std::time::Duration;

use redis::{FromRedisValue, Value, cmd};
use stoa_protocol::ids::RoomId;

use super::connection::POLL_INTERVAL;
use super::store::{Guard, Redis};
use crate::store::error::StoreError;
use crate::store::hot::{HotRoom, difference, in_writes};
use crate::store::limits::PAGE_MAX;
use crate::store::operation::{Answer, Operation, Store};
use crate::store::redis::scripts::{FINISH, KEEP_LOCK};

/// How long the lock of who restores holds without a sign of life.
const LOCK_LIFE: Duration = Duration::from_secs(10);

impl Redis {
    /// Learns the generation of what Redis remembers; fills it from `durable` first if it remembers nothing.
    /// Returns how many rooms were restored; none if Redis, or another process, knew better.
    ///
    /// # Errors
    /// When either store is away. It may be called again.
    pub async fn adopt_or_restore(&self, durable: &dyn Store) -> Result<Option<u32>, StoreError> {
        let token = format!("{:032x}", rand::random::<u128>());
        loop {
            if let Some(generation) = self.read_generation().await? {
                self.know(Some(generation));
                return Ok(None);
            }
            if self.lock(&token).await? {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        // Another may have finished between the two questions.
        if let Some(generation) = self.read_generation().await? {
            self.know(Some(generation));
            return Ok(None);
        }
        let guard = Guard { key: self.shared.keys.restoring(), value: token.clone() };
        let restored = self.restore(durable, &guard).await?;
        self.finish(&guard).await?;
        self.know(Some(token));
        Ok(Some(restored))
    }

    /// Returns when a call has found that Redis has lost its memory.
    pub async fn lost(&self) {
        self.shared.lost.notified().await;
    }

    async fn restore(&self, durable: &dyn Store, guard: &Guard) -> Result<u32, StoreError> {
        let mut restored = 0;
        let mut after = None;
        loop {
            let rooms = hot_rooms(durable, after.clone()).await?;
            let Some(last) = rooms.last().cloned() else { return Ok(restored) };
            after = Some(last);
            for room in rooms {
                let Some(kept) = hot_room(durable, &room).await? else { continue };
                // Whoever tried before may have left a part behind.
                self.guarded(guard, Operation::Forget(room.clone())).await?;
                for changes in in_writes(difference(&HotRoom::default(), &kept)) {
                    let note = Operation::Note { room: room.clone(), epoch: kept.epoch, changes };
                    self.guarded(guard, note).await?;
                    self.keep_lock(guard).await?;
                }
                restored += 1;
            }
        }
    }

    async fn read_generation(&self) -> Result<Option<String>, StoreError> {
        let mut read = cmd("GET");
        read.arg(self.shared.keys.generation());
        let value = self.command(&read).await?;
        Option::from_redis_value(value).map_err(|_| StoreError::corrupt("the generation in Redis"))
    }

    async fn lock(&self, token: &str) -> Result<bool, StoreError> {
        let mut lock = cmd("SET");
        lock.arg(self.shared.keys.restoring()).arg(token);
        lock.arg("NX").arg("PX").arg(LOCK_LIFE.as_millis().to_string());
        Ok(self.command(&lock).await? != Value::Nil)
    }

    async fn keep_lock(&self, guard: &Guard) -> Result<(), StoreError> {
        let life = LOCK_LIFE.as_millis().to_string();
        self.invoke(KEEP_LOCK, guard, vec![guard.key.clone()], vec![life]).await.map(drop)
    }

    async fn finish(&self, guard: &Guard) -> Result<(), StoreError> {
        let keys = vec![guard.key.clone(), self.shared.keys.generation()];
        self.invoke(FINISH, guard, keys, vec![]).await.map(drop)
    }

    async fn command(&self, command: &redis::Cmd) -> Result<Value, StoreError> {
        self.shared
            .connection
            .call(async |connection, _| command.query_async(connection).await)
            .await
    }
}

/// A page of rooms with hot state.
async fn hot_rooms(store: &dyn Store, after: Option<RoomId>) -> Result<Vec<RoomId>, StoreError> {
    match store.apply(Operation::HotRooms { after, limit: PAGE_MAX }).await? {
        Answer::HotRooms(rooms) => Ok(rooms),
        _ => Err(StoreError::corrupt("an answer of another kind")),
    }
}

/// The hot state of a room.
async fn hot_room(store: &dyn Store, room: &RoomId) -> Result<Option<HotRoom>, StoreError> {
    match store.apply(Operation::Hot(room.clone())).await? {
        Answer::Hot(hot) => Ok(hot),
        _ => Err(StoreError::corrupt("an answer of another kind")),
    }
}
