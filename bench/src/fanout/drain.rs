//! The receiving side: a thread that reads whatever comes, so that no buffer overflows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::load::Sockets;

/// Between two looks at sockets that were empty.
const PAUSE: Duration = Duration::from_micros(100);
/// How long packets on loopback may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads and counts; dropping it stops it.
pub(super) struct Drain {
    received: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    destinations: Vec<SocketAddr>,
}

impl Drain {
    /// For that many destinations, on a few sockets.
    ///
    /// # Errors
    /// When the system gives no socket or thread.
    pub(super) fn spawn(destinations: u32, sockets: u32) -> Result<Self> {
        let mut sockets = Sockets::bind(sockets)?;
        let places = sockets.places();
        let destinations: Result<Vec<_>> = (0..destinations).map(|n| places.of(n)).collect();
        let received = Arc::<AtomicU64>::default();
        let stop = Arc::<AtomicBool>::default();
        let (counted, stopped) = (Arc::clone(&received), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("drain".into())
            .spawn(move || {
                let count = sockets.iter().count();
                while !stopped.load(Ordering::Relaxed) {
                    let mut datagrams = 0;
                    for socket in 0..count {
                        sockets.receive(socket, |_| datagrams += 1);
                    }
                    counted.fetch_add(datagrams, Ordering::Relaxed);
                    if datagrams == 0 {
                        std::thread::sleep(PAUSE);
                    }
                }
            })
            .context("no thread")?;
        Ok(Self { received, stop, thread: Some(thread), destinations: destinations? })
    }

    /// Where packets may be sent.
    pub(super) fn destinations(&self) -> &[SocketAddr] {
        &self.destinations
    }

    /// Waits until that many packets have been read since the start, or no more come; returns how many were.
    pub(super) fn wait_for(&self, packets: u64) -> u64 {
        let began = Instant::now();
        loop {
            let received = self.received.load(Ordering::Relaxed);
            if received >= packets || began.elapsed() > PATIENCE {
                return received;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has said so already.
            let _ = thread.join();
        }
    }
}
