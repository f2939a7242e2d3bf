//! The driver's session, made when it is needed; what its errors mean. The driver retries nothing by itself: whether
//! a write may be repeated is ours to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scylla::client::caching_session::CachingSession;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::response::query_result::QueryResult;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::unprepared::Statement;
use scylla::statement::{Consistency, SerialConsistency};
use scylla::value::Row;
use tokio::sync::Mutex;

use crate::store::cassandra::rows::{Bound, Values};
use crate::store::config::CassandraConfig;
use crate::store::error::StoreError;
use crate::store::journal::Backoff;
use crate::store::limits::CALL_LIMIT;

/// How long the driver may take to learn all it wants to know of a cluster.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// Statements that are kept prepared; there are about 30.
const STATEMENTS_MAX: usize = 128;

pub(super) struct Session {
    config: CassandraConfig,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: Option<Arc<CachingSession>>,
    backoff: Backoff,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Session {
    /// Nothing is connected yet.
    pub(super) fn new(config: &CassandraConfig) -> Self {
        Self { config: config.clone(), state: Arc::default() }
    }

    /// Rows of a query; at SERIAL it also ends transactions that hang in the air.
    pub(super) async fn rows(
        &self,
        (statement, values): Bound,
        consistency: Consistency,
    ) -> Result<Vec<Values>, StoreError> {
        let session = self.open().await?;
        let mut statement = Statement::new(statement);
        statement.set_consistency(consistency);
        let result = session.execute_unpaged(statement, values).await.map_err(|e| told(&e))?;
        rows(result)
    }

    /// All statements or none of them; they concern one partition. Returns whether the condition held.
    pub(super) async fn conditional(&self, statements: Vec<Bound>) -> Result<bool, StoreError> {
        let session = self.open().await?;
        let mut batch = Batch::new(BatchType::Unlogged);
        let mut values = Vec::with_capacity(statements.len());
        for (statement, bound) in statements {
            batch.append_statement(statement);
            values.push(bound);
        }
        let result = session.batch(&batch, values).await.map_err(|e| told(&e))?;
        applied(&rows(result)?)
    }

    /// One conditional statement. Returns whether the condition held.
    pub(super) async fn condition(&self, bound: Bound) -> Result<bool, StoreError> {
        applied(&self.rows(bound, Consistency::Quorum).await?)
    }

    /// The session, made by a task of its own: it takes many round trips, and goes on when a caller has waited
    /// long enough.
    async fn open(&self) -> Result<Arc<CachingSession>, StoreError> {
        let connecting = || StoreError::unavailable("Cassandra is still being connected");
        let locked = tokio::time::timeout(CALL_LIMIT, self.state.clone().lock_owned()).await;
        let mut state = locked.map_err(|_| connecting())?;
        if let Some(open) = &state.open {
            return Ok(open.clone());
        }
        if !state.backoff.is_over(Instant::now()) {
            return Err(StoreError::unavailable("Cassandra could not be reached a moment ago"));
        }
        let config = self.config.clone();
        let made = tokio::spawn(async move {
            match connect(&config, Some(&config.keyspace)).await {
                Ok(driver) => {
                    let session = Arc::new(CachingSession::from(driver, STATEMENTS_MAX));
                    state.open = Some(session.clone());
                    Ok(session)
                }
                Err(error) => {
                    state.backoff.fail(Instant::now());
                    Err(error)
                }
            }
        });
        match tokio::time::timeout(CALL_LIMIT, made).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(StoreError::unavailable("Cassandra could not be connected")),
            Err(_) => Err(connecting()),
        }
    }
}

/// A session of the driver, which reconnects by itself once it is made.
pub(super) async fn connect(
    config: &CassandraConfig,
    keyspace: Option<&str>,
) -> Result<Driver, StoreError> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(CALL_LIMIT))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&config.contact_points)
        .connection_timeout(CALL_LIMIT)
        .default_execution_profile_handle(profile.into_handle());
    if let (Some(user), Some(password)) = (&config.username, &config.password) {
        builder = builder.user(user, password.expose());
    }
    if let Some(keyspace) = keyspace {
        builder = builder.use_keyspace(keyspace, true);
    }
    match tokio::time::timeout(CONNECT_LIMIT, builder.build()).await {
        Ok(Ok(driver)) => Ok(driver),
        Ok(Err(error)) => Err(StoreError::unavailable(error)),
        Err(_) => Err(StoreError::unavailable("Cassandra does not answer")),
    }
}

fn rows(result: QueryResult) -> Result<Vec<Values>, StoreError> {
    if !result.is_rows() {
        return Ok(Vec::new());
    }
    let unreadable = |_| StoreError::corrupt("an answer of Cassandra");
    let result = result.into_rows_result().map_err(|_| StoreError::corrupt("an answer"))?;
    let rows = result.rows::<Row>().map_err(|_| StoreError::corrupt("the columns of an answer"))?;
    rows.map(|row| row.map(|row| row.columns).map_err(unreadable)).collect()
}

/// The first column of the answer to a condition says whether it held.
fn applied(rows: &[Values]) -> Result<bool, StoreError> {
    let first = rows.first().and_then(|row| row.first()).cloned().flatten();
    first
        .and_then(|value| value.as_boolean())
        .ok_or_else(|| StoreError::corrupt("an answer of Cassandra to a condition"))
}

/// What is not certain not to have happened is a timeout.
pub(super) fn told(error: &ExecutionError) -> StoreError {
    match error {
        ExecutionError::BadQuery(_) => StoreError::corrupt("a statement does not fit its table"),
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::PrepareError(_) => StoreError::unavailable(error),
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(db, _)) => match db {
            DbError::SyntaxError | DbError::Invalid => {
                StoreError::corrupt(format!("a statement does not fit its table: {error}"))
            }
            DbError::Unavailable { .. }
            | DbError::Overloaded
            | DbError::IsBootstrapping
            | DbError::Unauthorized
            | DbError::AuthenticationError
            | DbError::RateLimitReached { .. } => StoreError::unavailable(error),
            _ => StoreError::Timeout,
        },
        _ => StoreError::Timeout,
    }
}
