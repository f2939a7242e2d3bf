//! What survives: rooms for good, who is here now, and which origins are alive, behind one trait.
//!
//! | module | what it holds |
//! |---|---|
//! | [`operation`] | the vocabulary: [`Store`], [`Operation`], [`Answer`] |
//! | `rules` | what holds of every operation whatever the backend |
//! | [`record`] | what is kept of a room for good |
//! | [`hot`] | who is in a room now, in small changes |
//! | [`lease`] | which origin is alive |
//! | [`error`] | why a store did not do what it was asked |
//! | [`limits`] | every maximum and interval |
//! | [`config`] | the `[store]` section |
//! | `kept` | everything of one room |
//! | [`journal`] | writes that wait for their store |
//! | [`metrics`] | what Prometheus gets to know |
//! | `io` | all stores of an origin with their journals and tasks: [`Stores`] |
//! | `pending` | the newest change of each participant and each hand |
//! | [`embedded`] | backend: one file (`redb`) |
//! | [`cassandra`] | backend: Apache Cassandra |
//! | [`mod@redis`] | backend for hot state: Redis or Valkey |

#[cfg(feature = "cassandra")]
pub mod cassandra;
pub mod config;
pub mod embedded;
pub mod error;
pub mod hot;
mod io;
pub mod journal;
mod kept;
pub mod lease;
pub mod limits;
pub mod metrics;
pub mod operation;
mod pending;
pub mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod rules;

#[cfg(feature = "cassandra")]
pub use cassandra::{Cassandra, migrate};
pub use config::{CassandraConfig, DurableConfig, HotConfig, RedisConfig, RedisKind, StoreConfig};
pub use embedded::{Embedded, Grouping};
pub use error::StoreError;
pub use hot::{Hand, HotChange, HotRoom, Present, difference, in_writes};
pub use io::{Fenced, Receipt, Stores};
pub use journal::{Journal, JournalLimits, Settled, Ticket};
pub use kept::Kept;
pub use lease::{Holder, Home, Lease};
pub use limits::{
    CALL_LIMIT, CHANGES_PER_WRITE_MAX, ENTRIES_PER_WRITE_MAX, LEASE_LIFE, LEASE_MS_MAX, PAGE_MAX,
    TRIM_MAX,
};
pub use metrics::StoreMetrics;
pub use operation::{Answer, Answering, Kind, Operation, RoomChange, Store};
pub use record::{
    Appointment, Ban, BlockKey, KeptBlock, KeptRevocation, LogEntry, Ownership, RoomRecord,
    Settings, Visibility,
};
#[cfg(feature = "redis")]
pub use redis::Redis;
