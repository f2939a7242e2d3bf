//! A path whose first connection holds back what goes towards the server, until it is let go.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, tcp};
use tokio::sync::watch;

pub(crate) struct HeldPath {
    pub(crate) address: SocketAddr,
    holds: watch::Sender<bool>,
    delivered: watch::Receiver<usize>,
}

impl HeldPath {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (holds, held) = watch::channel(false);
        let (free, never_held) = watch::channel(false);
        let (deliveries, delivered) = watch::channel(0);
        let deliveries = Arc::new(deliveries);
        tokio::spawn(async move {
            // The others are held by what nobody ever sets.
            let _free = free;
            let mut held = Some(held);
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(target).await.unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                let held = held.take().unwrap_or_else(|| never_held.clone());
                tokio::spawn(forward(near_in, far_out, held, deliveries.clone()));
                tokio::spawn(forward(far_in, near_out, never_held.clone(), deliveries.clone()));
            }
        });
        Self { address, holds, delivered }
    }

    pub(crate) fn hold(&self) {
        self.holds.send(true).unwrap();
    }

    /// Lets go, and returns when what was held back has been handed to the server.
    pub(crate) async fn let_go(&mut self) {
        self.delivered.mark_unchanged();
        self.holds.send(false).unwrap();
        self.delivered.changed().await.unwrap();
    }
}

async fn forward(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
    deliveries: Arc<watch::Sender<usize>>,
) {
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(length) = from.read(&mut buffer).await {
        if held.wait_for(|held| !held).await.is_err()
            || length == 0
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
        deliveries.send_modify(|count| *count += 1);
    }
}
