//! An HTTP server for binaries that have no other one: the origin, the geo server.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;

/// Why a page is not served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {reason}; is another process there?")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the HTTP server failed: {0}")]
    Serve(std::io::Error),
}

/// Listens on `address` and serves `router` until `shutdown` resolves and open requests are answered.
///
/// # Errors
/// [`ServeError::Bind`] at once when the address cannot be used.
pub async fn serve(
    address: SocketAddr,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let listener =
        TcpListener::bind(address).await.map_err(|reason| ServeError::Bind { address, reason })?;
    serve_on(listener, router, shutdown).await
}

/// As [`serve`], on a socket that listens already (port 0, tests).
///
/// # Errors
/// [`ServeError::Serve`] when accepting connections fails for good.
pub async fn serve_on(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await.map_err(ServeError::Serve)
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
