//! What happens to a store, and how it ends.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use stoa_origin::store::{self, RedisConfig, RedisKind};
use stoa_runtime::configuration::Secret;

use crate::node::StorePlace;
use crate::servers::{Cassandra, Redis, SlowPath};

/// What a slow path takes in each direction.
const SLOW: Duration = Duration::from_millis(200);
/// Seconds between two copies of who is here to the durable store.
pub(super) const BACKUP_S: u64 = 1;
/// What all keys in Redis begin with, as configured by default.
const PREFIX: &str = "stoa";

/// As asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Trouble {
    /// Redis is killed, and comes back empty.
    RedisStopped,
    /// Redis stands still (SIGSTOP), and goes on with what it was sent meanwhile.
    RedisFrozen,
    /// The way to Redis takes 200 ms in each direction.
    RedisSlow,
    /// Redis forgets everything while it goes on (FLUSHALL).
    RedisWiped,
    /// Cassandra stands still (SIGSTOP).
    CassandraFrozen,
    /// Cassandra is killed, and started again on what it has written.
    CassandraStopped,
}

impl Trouble {
    /// Whether who is here has to be restored from a copy.
    pub(super) fn forgets(self) -> bool {
        matches!(self, Self::RedisStopped | Self::RedisWiped)
    }

    fn is_of_redis(self) -> bool {
        !matches!(self, Self::CassandraFrozen | Self::CassandraStopped)
    }
}

/// A running server.
pub(super) enum Backend {
    Redis(Redis, SlowPath),
    Cassandra(Cassandra),
}

impl Backend {
    /// Starts what these troubles happen to.
    ///
    /// # Errors
    /// When it is not installed or does not start, or they happen to different servers.
    pub(super) async fn start(troubles: &[Trouble]) -> Result<Self> {
        let first = troubles.first().context("no trouble is named")?.is_of_redis();
        anyhow::ensure!(
            troubles.iter().all(|trouble| trouble.is_of_redis() == first),
            "name troubles of one server at a time"
        );
        if !first {
            return Ok(Self::Cassandra(Cassandra::start().await?));
        }
        let redis = Redis::start().await?;
        let path = SlowPath::to(redis.address()).await?;
        Ok(Self::Redis(redis, path))
    }

    /// For the origin's configuration. Redis is reached past the slow path where that is not what is tried, because
    /// a path in between takes connections also while its server is away.
    pub(super) fn place(&self, troubles: &[Trouble]) -> StorePlace {
        match self {
            Self::Redis(redis, path) => {
                let slow = troubles.contains(&Trouble::RedisSlow);
                let address = if slow { path.address() } else { redis.address() };
                StorePlace::Redis { address, backup_s: BACKUP_S }
            }
            Self::Cassandra(cassandra) => StorePlace::Cassandra(cassandra.config()),
        }
    }

    /// Lets it begin.
    ///
    /// # Errors
    /// When the server is gone already.
    pub(super) async fn cut(&mut self, trouble: Trouble) -> Result<()> {
        match (self, trouble) {
            (Self::Redis(redis, _), Trouble::RedisStopped) => redis.stop(),
            (Self::Redis(redis, _), Trouble::RedisFrozen) => redis.freeze()?,
            (Self::Redis(_, path), Trouble::RedisSlow) => path.delay(SLOW),
            (Self::Redis(redis, _), Trouble::RedisWiped) => redis.wipe().await?,
            (Self::Cassandra(cassandra), Trouble::CassandraFrozen) => cassandra.freeze()?,
            (Self::Cassandra(cassandra), Trouble::CassandraStopped) => cassandra.stop(),
            _ => anyhow::bail!("{trouble:?} is of another server"),
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the server does not come back.
    pub(super) async fn mend(&mut self, trouble: Trouble) -> Result<()> {
        match (self, trouble) {
            (Self::Redis(redis, _), Trouble::RedisStopped) => redis.resume().await?,
            (Self::Redis(redis, _), Trouble::RedisFrozen) => redis.thaw()?,
            (Self::Redis(_, path), Trouble::RedisSlow) => path.delay(Duration::ZERO),
            (Self::Redis(..), Trouble::RedisWiped) => {}
            (Self::Cassandra(cassandra), Trouble::CassandraFrozen) => cassandra.thaw()?,
            (Self::Cassandra(cassandra), Trouble::CassandraStopped) => cassandra.resume().await?,
            _ => anyhow::bail!("{trouble:?} is of another server"),
        }
        Ok(())
    }

    /// A client of one's own, to read what is stored.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub(super) fn reader(&self) -> Result<Reader> {
        Ok(match self {
            Self::Redis(redis, _) => {
                let url = format!("redis://{}", redis.address());
                let config = RedisConfig {
                    kind: RedisKind::Redis,
                    url: Secret::new(url),
                    prefix: PREFIX.to_owned(),
                    backup_s: BACKUP_S,
                };
                Reader::Redis(store::Redis::new(&config).context("no client of Redis")?)
            }
            Self::Cassandra(cassandra) => {
                Reader::Cassandra(store::Cassandra::new(&cassandra.config()))
            }
        })
    }
}

/// A client of a store.
pub(super) enum Reader {
    Redis(store::Redis),
    Cassandra(store::Cassandra),
}
