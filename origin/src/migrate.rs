//! `stoa-origin migrate`: brings the tables of the durable store to the form of this version, then ends.

#[cfg(feature = "cassandra")]
use anyhow::Context;

use crate::store::{DurableConfig, StoreConfig};

/// Says in one line what was done. Safe to repeat, and safe when two run at a time.
///
/// # Errors
/// When the store cannot be reached, belongs to a later version, or this binary lacks its backend.
pub fn migrate(config: &StoreConfig) -> anyhow::Result<String> {
    match &config.durable {
        DurableConfig::Embedded { .. } | DurableConfig::Memory => {
            Ok("the embedded store has nothing to migrate".to_owned())
        }
        #[cfg(feature = "cassandra")]
        DurableConfig::Cassandra(cassandra) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let missing = runtime
                .block_on(crate::store::migrate(cassandra))
                .with_context(|| format!("keyspace {} was not migrated", cassandra.keyspace))?;
            Ok(format!("keyspace {}: {missing} migrations were missing", cassandra.keyspace))
        }
        #[cfg(not(feature = "cassandra"))]
        DurableConfig::Cassandra(_) => {
            anyhow::bail!("this binary was built without the feature cassandra")
        }
    }
}
