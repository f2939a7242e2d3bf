//! The store that the origin is given, with the server that it needs.

use anyhow::Result;
use clap::ValueEnum;

use crate::node::StorePlace;
use crate::servers::{Cassandra, Redis};

/// As an operator chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// Everything in a file of the origin.
    Embedded,
    /// Rooms in that file, who is in them in a Redis started for this run.
    Redis,
    /// Everything in a Cassandra started for this run.
    Cassandra,
}

/// Seconds between two copies of who is here to the durable store: the origin's default.
const BACKUP_S: u64 = 30;

/// A running server of a store; none for the embedded one.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) place: StorePlace,
    _servers: (Option<Redis>, Option<Cassandra>),
}

impl Choice {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Redis => "redis",
            Self::Cassandra => "cassandra",
        }
    }

    /// Starts what it needs.
    ///
    /// # Errors
    /// When the server is not installed or does not start.
    pub(super) async fn start(self) -> Result<Store> {
        Ok(match self {
            Self::Embedded => Store { place: StorePlace::Embedded, _servers: (None, None) },
            Self::Redis => {
                let redis = Redis::start().await?;
                let place = StorePlace::Redis { address: redis.address(), backup_s: BACKUP_S };
                Store { place, _servers: (Some(redis), None) }
            }
            Self::Cassandra => {
                let cassandra = Cassandra::start().await?;
                let place = StorePlace::Cassandra(cassandra.config());
                Store { place, _servers: (None, Some(cassandra)) }
            }
        })
    }
}
