//! All stores of an origin, built from its configuration, with their journals and tasks.

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use stoa_protocol::ids::RoomId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::backup::{Changed, copy_changed, hot_room};
use super::fenced::Fenced;
use super::lane::{Lane, Receipt};
use super::metered::Metered;
use crate::store::config::{DurableConfig, HotConfig, StoreConfig};
use crate::store::embedded::{Embedded, Grouping};
use crate::store::error::StoreError;
use crate::store::hot::HotRoom;
use crate::store::limits::LANES;
use crate::store::metrics::StoreMetrics;
use crate::store::operation::{Answer, Kind, Operation, Store};

/// The stores of an origin. Dropping it ends its tasks; what still waits in a journal is lost then, see
/// [`Stores::end`].
#[derive(Debug)]
pub struct Stores {
    shared: Arc<Shared>,
    found: watch::Receiver<u64>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    durable: Metered,
    hot: Metered,
    /// Whether hot state stands elsewhere and is copied to the durable store.
    copies: bool,
    changed: Changed,
    rooms: Vec<Lane>,
    people: Vec<Lane>,
    metrics: StoreMetrics,
    fenced: Fenced,
}

impl Stores {
    /// Opens what the configuration names. Servers need not be there: they are looked for until they are.
    ///
    /// # Errors
    /// When a file cannot be opened, an address not be understood, or this binary lacks the backend.
    ///
    /// # Panics
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    pub fn open(config: &StoreConfig, registry: &Registry) -> Result<Self, StoreError> {
        config.check().map_err(StoreError::unavailable)?;
        let metrics = StoreMetrics::register(registry).map_err(StoreError::unavailable)?;
        let durable = Metered::new(durable(&config.durable)?, metrics.clone());
        let (found, receiver) = watch::channel(0);
        let fenced = Fenced::default();
        let lanes =
            |kind| (0..LANES).map(|_| Lane::new(kind, metrics.clone(), fenced.clone())).collect();
        let (rooms, people) = (lanes(Kind::Rooms), lanes(Kind::Hot));
        let mut tasks = JoinSet::new();
        let shared = |hot, copies| Shared {
            durable: durable.clone(),
            hot,
            copies,
            changed: Changed::default(),
            rooms,
            people,
            metrics: metrics.clone(),
            fenced,
        };
        let shared = match &config.hot {
            HotConfig::Same => Arc::new(shared(durable.clone(), false)),
            HotConfig::Redis(redis) => {
                let (redis, interval) = redis_of(redis)?;
                let hot = Metered::new(Arc::new(redis.clone()), metrics.clone());
                let shared = Arc::new(shared(hot, true));
                keep(&mut tasks, shared.clone(), redis, interval, found);
                shared
            }
        };
        for index in 0..LANES {
            let stores = shared.clone();
            tasks.spawn(async move { stores.rooms[index].run(&stores.durable, |_| ()).await });
            let stores = shared.clone();
            tasks.spawn(async move {
                let noted = |operation: &Operation| stores.note_change(operation);
                stores.people[index].run(&stores.hot, noted).await;
            });
        }
        Ok(Self { shared, found: receiver, tasks })
    }

    /// Asks the store that keeps it, now: reads, leases, and what must not be put off (to create, claim or erase a
    /// room). It sees nothing of what waits in a journal.
    ///
    /// # Errors
    /// As the store says; within twice [`crate::store::CALL_LIMIT`].
    pub async fn ask(&self, operation: Operation) -> Result<Answer, StoreError> {
        if operation.kind() == Kind::Hot {
            return self.shared.hot.apply(operation).await;
        }
        self.shared.durable.apply(operation).await
    }

    /// Takes a change of a room or of its hot state, which reaches its store in order, through any outage. May be
    /// repeated on the way, so it must be harmless twice: every [`Operation::Change`], [`Operation::Trim`] and
    /// everything of [`Kind::Hot`] is.
    ///
    /// # Errors
    /// A journal that is full, a limit, or an operation that answers more than that it is done.
    pub fn write(&self, operation: Operation) -> Result<Receipt, StoreError> {
        let lanes = match operation.kind() {
            Kind::Rooms => &self.shared.rooms,
            Kind::Hot => &self.shared.people,
            Kind::Leases => return Err(UNREPEATABLE),
            // One lane, so that the last word about the same stays the last.
            Kind::Revocations | Kind::Blocks => return self.shared.rooms[0].write(operation),
        };
        let repeatable = !operation.opens() && !operation.reads();
        let lane = operation.room().filter(|_| repeatable).map(lane_of).ok_or(UNREPEATABLE)?;
        lanes[lane].write(operation)
    }

    /// Rooms whose writes are refused because they have a newer owner.
    #[must_use]
    pub fn fenced(&self) -> Fenced {
        self.shared.fenced.clone()
    }

    /// The copy of a room's hot state in the durable store; the state itself where both are one.
    ///
    /// # Errors
    /// As the store says.
    pub async fn backup_of(&self, room: &RoomId) -> Result<Option<HotRoom>, StoreError> {
        hot_room(&self.shared.durable, room).await
    }

    /// Counts how often Redis has been found or filled. After each time an owner writes its rooms anew, because the
    /// copy they were restored from is older than what it knows. Stays 0 without Redis.
    #[must_use]
    pub fn found(&self) -> watch::Receiver<u64> {
        self.found.clone()
    }

    /// Whether nothing waits in any journal.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.shared.lanes().all(Lane::is_empty)
    }

    /// Waits until everything is stored, at most so long, copies hot state a last time, and ends. Returns whether
    /// everything was stored.
    pub async fn end(mut self, limit: Duration) -> bool {
        let settled = async {
            for lane in self.shared.lanes() {
                while !lane.is_empty() {
                    lane.progress.notified().await;
                }
            }
            if self.shared.copies {
                let Shared { changed, hot, durable, metrics, .. } = &*self.shared;
                copy_changed(changed, hot, durable, metrics).await;
            }
        };
        let in_time = tokio::time::timeout(limit, settled).await.is_ok();
        self.tasks.shutdown().await;
        in_time
    }
}

impl Shared {
    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.rooms.iter().chain(&self.people)
    }

    fn note_change(&self, operation: &Operation) {
        if self.copies {
            self.changed.note(operation, &self.metrics);
        }
    }
}

const UNREPEATABLE: StoreError =
    StoreError::Conflict { what: "this operation must be asked, not written" };

/// The same for a room as long as the process lives (FNV-1a).
fn lane_of(room: &RoomId) -> usize {
    let hash = room.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    usize::try_from(hash % LANES as u64).unwrap_or_default()
}

fn durable(config: &DurableConfig) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match config {
        DurableConfig::Embedded { file } => Arc::new(Embedded::open(file, Grouping::Waiting)?),
        DurableConfig::Memory => Arc::new(Embedded::in_memory()?),
        #[cfg(feature = "cassandra")]
        DurableConfig::Cassandra(cassandra) => {
            Arc::new(crate::store::cassandra::Cassandra::new(cassandra))
        }
        #[cfg(not(feature = "cassandra"))]
        DurableConfig::Cassandra(_) => return Err(missing("cassandra")),
    })
}

#[cfg(feature = "redis")]
fn redis_of(
    config: &crate::store::config::RedisConfig,
) -> Result<(crate::store::redis::Redis, Duration), StoreError> {
    Ok((crate::store::redis::Redis::new(config)?, Duration::from_secs(config.backup_s)))
}

/// Fills Redis, and copies it, as long as the stores live.
#[cfg(feature = "redis")]
fn keep(
    tasks: &mut JoinSet<()>,
    shared: Arc<Shared>,
    redis: crate::store::redis::Redis,
    interval: Duration,
    found: watch::Sender<u64>,
) {
    tasks.spawn(async move {
        let keeper = super::backup::Keeper {
            redis: &redis,
            durable: &shared.durable,
            hot: &shared.hot,
            changed: &shared.changed,
            metrics: &shared.metrics,
            interval,
            found: &found,
        };
        keeper.run().await;
    });
}

#[cfg(not(feature = "redis"))]
fn redis_of(_: &crate::store::config::RedisConfig) -> Result<(Embedded, Duration), StoreError> {
    Err(missing("redis"))
}

/// Never reached: without the feature there is nothing to keep.
#[cfg(not(feature = "redis"))]
fn keep(_: &mut JoinSet<()>, _: Arc<Shared>, _: Embedded, _: Duration, _: watch::Sender<u64>) {}

#[cfg(not(all(feature = "redis", feature = "cassandra")))]
fn missing(feature: &str) -> StoreError {
    StoreError::unavailable(format!("this binary was built without the feature {feature}"))
}
