//! A TCP path that takes its time in each direction. What is under way does not hold back what follows.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Reads under way at a time, of one direction of one connection.
const UNDER_WAY_MAX: usize = 4_096;
const READ_BYTES: usize = 64 * 1_024;

/// A running path; dropping it takes no new connections.
#[derive(Debug)]
pub struct SlowPath {
    address: SocketAddr,
    delay_ms: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl SlowPath {
    /// To `target`, without any delay yet. Runs on this tokio runtime.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no TCP port")?;
        let address = listener.local_addr().context("a socket without address")?;
        let delay_ms = Arc::<AtomicU64>::default();
        let delay = Arc::clone(&delay_ms);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(target).await else { continue };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(forward(near_in, far_out, Arc::clone(&delay)));
                tokio::spawn(forward(far_in, near_out, Arc::clone(&delay)));
            }
        });
        Ok(Self { address, delay_ms, task })
    }

    /// From now on each direction takes so long.
    pub fn delay(&self, delay: Duration) {
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// Where it begins.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SlowPath {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay_ms: Arc<AtomicU64>) {
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY_MAX);
    let read = async move {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(length) = from.read(&mut buffer).await {
            let delay = Duration::from_millis(delay_ms.load(Ordering::Relaxed));
            let bytes = buffer[..length].to_vec();
            if length == 0 || sender.send((Instant::now() + delay, bytes)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::SlowPath;

    #[tokio::test]
    async fn each_direction_takes_as_long_as_it_is_told() {
        const DELAY: Duration = Duration::from_millis(30);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let path = SlowPath::to(listener.local_addr().unwrap()).await.unwrap();
        let mut near = TcpStream::connect(path.address()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        path.delay(DELAY);
        let began = Instant::now();
        near.write_all(b"to").await.unwrap();
        let mut heard = [0; 2];
        far.read_exact(&mut heard).await.unwrap();
        far.write_all(&heard).await.unwrap();
        near.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"to");
        assert!(began.elapsed() >= 2 * DELAY, "{:?}", began.elapsed());
    }
}
