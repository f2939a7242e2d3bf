//! Keyspace and tables. Every step may be repeated, and two processes may run it at a time: each waits until all
//! nodes agree on the schema before it goes on.

use scylla::client::session::Session as Driver;

use super::session::{connect, told};
use crate::store::cassandra::rows::{Values, int};
use crate::store::cassandra::schema::{
    MIGRATION_DONE, MIGRATION_TABLE, MIGRATIONS, MIGRATIONS_READ,
};
use crate::store::config::CassandraConfig;
use crate::store::error::StoreError;

/// Makes the keyspace if it is missing, and brings its tables to the form of this version. Returns how many
/// migrations were missing.
///
/// # Errors
/// When Cassandra cannot be reached, or the keyspace belongs to a later version.
pub async fn migrate(config: &CassandraConfig) -> Result<u32, StoreError> {
    let driver = connect(config, None).await?;
    let keyspace = &config.keyspace;
    let create = format!(
        "CREATE KEYSPACE IF NOT EXISTS \"{keyspace}\" WITH replication = {}",
        config.replication
    );
    run(&driver, &create, vec![]).await?;
    driver.use_keyspace(keyspace, true).await.map_err(StoreError::unavailable)?;
    run(&driver, MIGRATION_TABLE, vec![]).await?;
    let done = numbers(&driver).await?;
    let latest = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if done.iter().any(|number| *number > latest) {
        return Err(StoreError::corrupt("the keyspace belongs to a later version"));
    }
    let mut missing = 0;
    for (number, statements) in (1..).zip(MIGRATIONS) {
        if done.contains(&number) {
            continue;
        }
        for statement in statements {
            run(&driver, statement, vec![]).await?;
        }
        run(&driver, MIGRATION_DONE, vec![int(number)]).await?;
        missing += 1;
    }
    Ok(missing)
}

async fn numbers(driver: &Driver) -> Result<Vec<i32>, StoreError> {
    let result = driver.query_unpaged(MIGRATIONS_READ, &[]).await.map_err(|error| told(&error))?;
    let rows = result.into_rows_result().map_err(StoreError::corrupt)?;
    let rows = rows.rows::<(i32,)>().map_err(StoreError::corrupt)?;
    rows.map(|row| row.map(|(number,)| number).map_err(StoreError::corrupt)).collect()
}

async fn run(driver: &Driver, statement: &str, values: Values) -> Result<(), StoreError> {
    driver.query_unpaged(statement, values).await.map_err(|error| told(&error))?;
    driver.await_schema_agreement().await.map_err(StoreError::unavailable)?;
    Ok(())
}
