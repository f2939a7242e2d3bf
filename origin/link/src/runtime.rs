//! Tokio for quinn, with an eye on what still runs: the port is free when nothing does any more.

use std::future::Future;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio::sync::mpsc;

/// Runs quinn's tasks on tokio. Whoever holds the receiver learns when the last has ended and the
/// endpoint is dropped.
#[derive(Debug)]
pub(crate) struct TrackedRuntime {
    running: mpsc::Sender<()>,
}

impl TrackedRuntime {
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (running, ended) = mpsc::channel(1);
        (Self { running }, ended)
    }
}

impl Runtime for TrackedRuntime {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let running = self.running.clone();
        tokio::spawn(async move {
            future.await;
            drop(running);
        });
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }
}
