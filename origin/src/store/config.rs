//! The `[store]` section: where rooms are kept for good, and where it is kept who is here.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use stoa_runtime::configuration::Secret;

/// Everything that can be set about the stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Rooms, appointments, bans, logs, leases.
    pub durable: DurableConfig,
    /// Who is here.
    pub hot: HotConfig,
}

/// Where rooms are kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum DurableConfig {
    /// In a file of this process.
    Embedded {
        /// The file; made on first start. Each origin needs its own.
        file: PathBuf,
    },
    /// Nowhere: everything is gone when the process ends.
    Memory,
    /// In a Cassandra cluster that all origins share.
    Cassandra(CassandraConfig),
}

impl Default for DurableConfig {
    fn default() -> Self {
        Self::Embedded { file: PathBuf::from("stoa-origin.redb") }
    }
}

/// How Cassandra is reached. Without TLS: it belongs into the same private network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CassandraConfig {
    /// Addresses, `host:port`, of some nodes; the others are learnt from them.
    pub contact_points: Vec<String>,
    /// The keyspace, letters, digits and `_`; made by `stoa-origin migrate`.
    pub keyspace: String,
    /// Who logs in; nobody if absent.
    pub username: Option<String>,
    /// His password.
    pub password: Option<Secret>,
    /// What a new keyspace gets as its replication, in CQL.
    #[serde(default = "replication")]
    pub replication: String,
}

fn replication() -> String {
    "{'class': 'SimpleStrategy', 'replication_factor': 3}".to_owned()
}

/// Where it is kept who is here: `"same"` as the rooms, or `{ kind = "redis", .. }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HotConfig {
    /// In the durable store.
    #[default]
    Same,
    /// In Redis or Valkey, copied to the durable store from time to time.
    Redis(RedisConfig),
}

/// How Redis is reached. Without TLS: it belongs into the same private network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Always `"redis"`.
    pub kind: RedisKind,
    /// `redis://[user:password@]host:port[/database]` or `unix:path`. Secret because of the password.
    pub url: Secret,
    /// What all keys begin with.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Seconds between two copies to the durable store.
    #[serde(default = "backup_s")]
    pub backup_s: u64,
}

/// The only kind there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisKind {
    /// Redis or Valkey.
    Redis,
}

fn prefix() -> String {
    "stoa".to_owned()
}

fn backup_s() -> u64 {
    crate::store::limits::BACKUP_INTERVAL.as_secs()
}

impl<'de> Deserialize<'de> for HotConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HotForm)
    }
}

struct HotForm;

impl<'de> Visitor<'de> for HotForm {
    type Value = HotConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#""same" or { kind = "redis", url = .. }"#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HotConfig, E> {
        if text == "same" {
            return Ok(HotConfig::Same);
        }
        // The text may be an address with a password, put into the wrong place.
        Err(E::custom(r#"the place of hot state is "same" or { kind = "redis", url = .. }"#))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HotConfig, A::Error> {
        RedisConfig::deserialize(MapAccessDeserializer::new(map)).map(HotConfig::Redis)
    }
}

impl StoreConfig {
    /// Whether other origins may use the same store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.durable, DurableConfig::Cassandra(_))
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        if let DurableConfig::Cassandra(cassandra) = &self.durable {
            if cassandra.contact_points.is_empty() {
                return Err("store.durable.contact_points is empty; name at least one".to_owned());
            }
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !(1..=48).contains(&cassandra.keyspace.len())
                || !cassandra.keyspace.chars().all(word)
            {
                return Err(
                    "store.durable.keyspace may be 1 to 48 letters, digits and _".to_owned()
                );
            }
            if cassandra.username.is_some() != cassandra.password.is_some() {
                return Err("store.durable needs username and password, or neither".to_owned());
            }
        }
        if let HotConfig::Redis(redis) = &self.hot
            && !(1..=3_600).contains(&redis.backup_s)
        {
            return Err(format!("store.hot.backup_s is {}; it may be 1 to 3600", redis.backup_s));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
