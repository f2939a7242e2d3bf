//! One connection, made when it is needed. After a failure it is given up and others fail at once until the
//! backoff is over, so that nobody waits in line for a server that is away.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Value};
use tokio::sync::Mutex;

use crate::store::error::StoreError;
use crate::store::journal::Backoff;
use crate::store::limits::CALL_LIMIT;

pub(super) struct Connection {
    client: Client,
    /// Holds the number of this process's newest connection, so that what arrives on an older one is refused.
    writer: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<MultiplexedConnection>,
    /// Tells one connection from the next, so that a late failure does not give up a new one.
    number: u64,
    backoff: Backoff,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client knows the password.
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Nothing is connected yet.
    pub(super) fn new(url: &str, writer: String) -> Result<Self, StoreError> {
        // The library's message may quote the address, and with it the password.
        let unusable = |_| StoreError::unavailable("the address of Redis cannot be understood");
        let client = Client::open(url).map_err(unusable)?;
        Ok(Self { client, writer, state: Mutex::default() })
    }

    /// The key of the newest connection.
    pub(super) fn writer(&self) -> &str {
        &self.writer
    }

    /// Runs a script or command within [`CALL_LIMIT`]; it is told the number of its connection.
    pub(super) async fn call<F>(&self, run: F) -> Result<Value, StoreError>
    where
        F: AsyncFnOnce(&mut MultiplexedConnection, u64) -> Result<Value, RedisError>,
    {
        let (number, mut connection) = self.open().await?;
        match tokio::time::timeout(CALL_LIMIT, run(&mut connection, number)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if is_of_the_path(&error) => {
                self.give_up(number).await;
                // It may have arrived before the path broke.
                Err(StoreError::Timeout)
            }
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => {
                self.give_up(number).await;
                Err(StoreError::Timeout)
            }
        }
    }

    async fn open(&self) -> Result<(u64, MultiplexedConnection), StoreError> {
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            return Ok((state.number, open.clone()));
        }
        if !state.backoff.is_over(Instant::now()) {
            return Err(StoreError::unavailable("Redis could not be reached a moment ago"));
        }
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CALL_LIMIT / 2))
            .set_response_timeout(Some(CALL_LIMIT));
        let number = state.number + 1;
        let opening = async {
            let mut opened =
                self.client.get_multiplexed_async_connection_with_config(&limits).await?;
            let mut newest = redis::cmd("SET");
            newest.arg(&self.writer).arg(number).arg("PX").arg(WRITER_LIFE.as_millis().to_string());
            let _: Value = newest.query_async(&mut opened).await?;
            Ok::<_, RedisError>(opened)
        };
        let opened = match tokio::time::timeout(CALL_LIMIT, opening).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(StoreError::unavailable("Redis does not answer")),
        };
        match opened {
            Ok(opened) => {
                state.number = number;
                state.backoff = Backoff::default();
                state.open = Some(opened.clone());
                Ok((state.number, opened))
            }
            Err(error) => {
                state.backoff.fail(Instant::now());
                Err(error)
            }
        }
    }

    async fn give_up(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.number == number && state.open.take().is_some() {
            state.backoff.fail(Instant::now());
        }
    }
}

/// Whether the connection is of no use any more.
fn is_of_the_path(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

/// The server's own words hold no password; what the library says of an address might.
fn told(error: &RedisError) -> StoreError {
    let code = error.code().unwrap_or("no answer");
    StoreError::unavailable(format!("Redis refused: {code} ({:?})", error.kind()))
}

/// Longer than anything stays on its way on a connection that was given up.
const WRITER_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// Shorter than a connection's limit, for waiting on another who restores.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);
