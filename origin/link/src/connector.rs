//! Keeps one link up: resolve, connect, run, wait, again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use quinn::ClientConfig;
use stoa_protocol::ids::NodeId;
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::certificates::SERVER_NAME;
use crate::failure::{Failure, Kind};
use crate::node::Node;
use crate::registry::wait_until_gone;
use crate::session::{self, Outcome, Side};

/// Keeps a link up to one target.
pub(crate) struct Connector {
    pub(crate) node: Arc<Node>,
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) client: ClientConfig,
    pub(crate) target: String,
    /// Told by the other end being dropped: nobody wants this link any more.
    pub(crate) wanted: watch::Receiver<()>,
}

impl Connector {
    /// Runs until the endpoint closes, or the target is given up and a link that stands has ended.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut attempts = 0_usize;
        let mut last_failure = None;
        // Whom the target turned out to be. While a link to it stands, by whichever side it was
        // opened, another would only replace it.
        let mut peer: Option<NodeId> = None;
        loop {
            if let Some(entry) = peer.as_ref().and_then(|node| self.node.registry.of(node)) {
                tokio::select! {
                    () = wait_until_gone(entry.gone) => {}
                    () = self.given_up() => return,
                    _ = self.node.closing() => return,
                }
            }
            match self.attempt(attempts, &mut peer).await {
                Outcome::Down { up } => {
                    last_failure = None;
                    backoff.handle_down(up, Instant::now());
                }
                Outcome::NeverUp(failure) => {
                    self.node.count_failure(&failure);
                    self.log(&failure, last_failure.as_ref());
                    last_failure = Some(failure);
                }
                // Whoever opened that link sees to it; this target waits for its end. Until it is up, a little.
                Outcome::Linked => {}
                Outcome::Closing => return,
            }
            attempts += 1;
            let delay = backoff.next_delay(&mut rand::rng());
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.given_up() => return,
                _ = self.node.closing() => return,
            }
        }
    }

    async fn given_up(&self) {
        wait_until_gone(self.wanted.clone()).await;
    }

    async fn attempt(&self, attempt: usize, peer: &mut Option<NodeId>) -> Outcome {
        let connected = tokio::time::timeout(self.node.limits.handshake_timeout, async {
            let address = self.resolve(attempt).await?;
            tracing::debug!(target = %self.target, %address, "connecting");
            let connecting = self.quinn.connect_with(self.client.clone(), address, SERVER_NAME)?;
            Ok::<_, Failure>(connecting.await?)
        });
        let connection = tokio::select! {
            connected = connected => match connected {
                Ok(Ok(connection)) => connection,
                Ok(Err(failure)) => return Outcome::NeverUp(failure),
                Err(_) => return Outcome::NeverUp(Failure::timeout()),
            },
            () = self.given_up() => return Outcome::Closing,
            _ = self.node.closing() => return Outcome::Closing,
        };
        session::run(&self.node, connection, Side::Opening { peer }).await
    }

    /// One of the target's addresses, another at each attempt.
    async fn resolve(&self, attempt: usize) -> Result<SocketAddr, Failure> {
        let resolve = async {
            let local = self.quinn.local_addr().context("the endpoint has no address")?;
            let found: Vec<SocketAddr> = tokio::net::lookup_host(&self.target)
                .await?
                .filter(|address| address.is_ipv4() || local.is_ipv6())
                .collect();
            ensure!(!found.is_empty(), "no address of a family that {local} can reach");
            Ok(found[attempt % found.len()])
        };
        resolve.await.map_err(|error: anyhow::Error| {
            Failure::new(Kind::Resolution, format!("{} does not resolve: {error:#}", self.target))
        })
    }

    /// Each new kind of failure is worth a line, its repetition is not.
    fn log(&self, failure: &Failure, last: Option<&Failure>) {
        let target = &self.target;
        if last.is_some_and(|last| last.kind == failure.kind) {
            tracing::debug!(%target, %failure, "still no link");
        } else {
            tracing::warn!(%target, %failure, kind = ?failure.kind, "no link; trying again");
        }
    }
}
