//! A connection whose peer must read: a write that is stuck for too long ends it.
//!
//! Without it a client that asks and never reads would hold its connection for ever, since the layer
//! above bounds how long requests take to arrive, but not how long answers take to leave.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::metrics::{Limit, SignalingMetrics};

/// Longest time that a write may be stuck.
pub(super) const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Patience<S> {
    stream: S,
    metrics: SignalingMetrics,
    /// Runs while a write is stuck.
    stuck: Option<Pin<Box<Sleep>>>,
    given_up: bool,
}

impl<S> Patience<S> {
    /// Reads and writes of `stream`, counted in `metrics` when they are given up.
    pub(super) fn new(stream: S, metrics: SignalingMetrics) -> Self {
        Self { stream, metrics, stuck: None, given_up: false }
    }

    /// Passes on how a write went, unless it has been stuck for too long.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_WITHIN)));
        ready!(stuck.as_mut().poll(cx));
        if !std::mem::replace(&mut self.given_up, true) {
            self.metrics.reached(Limit::WriteTime);
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, shut)
    }
}
