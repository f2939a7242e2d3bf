//! The endpoint: one UDP port for all links of a node, in both directions.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use quinn::{ClientConfig, EndpointConfig as QuinnConfig, Incoming};
use tokio::sync::{mpsc, watch};

use crate::admission::{Admission, Occupancy, Verdict};
use crate::certificates::{Tls, identity_of};
use crate::config::EndpointConfig;
use crate::connector::Connector;
use crate::failure::{Failure, LINKED, code};
use crate::inbox::InboxSender;
use crate::node::{Alive, Handshake, Node};
use crate::registry::Registry;
use crate::runtime::TrackedRuntime;
use crate::session::{self, Outcome, Side};
use crate::statistics::{EndpointCounters, EndpointStatistics, count};
use crate::trails::Trails;
use crate::transport;

/// How long links may take to say goodbye when the endpoint closes.
const GOODBYE_MAX: Duration = Duration::from_secs(3);
/// How long the last packets may take to leave.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Targets that one endpoint keeps links to.
pub const TARGETS_MAX: usize = 256;
/// Failed handshakes of strangers are logged at most this often.
const STRANGER_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// One UDP port for all links of a node, in both directions.
///
/// Dropping it without [`Endpoint::close`] ends its links at once.
#[derive(Debug)]
pub struct Endpoint {
    port: Port,
    client: ClientConfig,
    local: SocketAddr,
    /// Dropping a sender gives its target up.
    targets: Mutex<BTreeMap<String, watch::Sender<()>>>,
    alive: Alive,
    ended: mpsc::Receiver<()>,
    released: mpsc::Receiver<()>,
}

/// The open port; closes when dropped.
#[derive(Debug)]
struct Port {
    quinn: quinn::Endpoint,
    node: Arc<Node>,
}

impl Endpoint {
    /// Opens the port and starts taking links. Needs a tokio runtime around it; a single thread is enough.
    ///
    /// # Errors
    /// When the certificates cannot be read or made, do not fit the node's name, or the port is taken.
    pub fn bind(config: EndpointConfig, inbox: InboxSender) -> Result<Self> {
        let EndpointConfig { listen, identity, name, limits } = config;
        let tls = Tls::new(&identity, &name)?;
        let socket = UdpSocket::bind(listen)
            .with_context(|| format!("cannot open UDP port {listen} for the mesh"))?;
        let (runtime, released) = TrackedRuntime::new();
        let quinn = quinn::Endpoint::new(
            QuinnConfig::default(),
            Some(transport::server(&tls, &limits)),
            socket,
            Arc::new(runtime),
        )
        .with_context(|| format!("cannot use UDP port {listen} for the mesh"))?;
        let local = quinn.local_addr().context("the mesh's port has no address")?;
        let (alive, ended) = mpsc::channel(1);
        let node = Arc::new(Node {
            identity: identity_of(&name),
            trails: Trails::new(name.role).context("metrics of hops")?,
            name,
            limits,
            inbox,
            registry: Registry::default(),
            counters: EndpointCounters::default(),
            handshakes: AtomicUsize::new(0),
            closing: watch::Sender::new(None),
        });
        let accept = accept(Arc::clone(&node), quinn.clone(), alive.clone());
        tokio::spawn(accept);
        tracing::info!(node = %node.name.node, address = %local, "the mesh listens");
        let client = transport::client(&tls, &limits);
        let (port, targets) = (Port { quinn, node }, Mutex::default());
        Ok(Self { port, client, local, targets, alive, ended, released })
    }

    /// Where the endpoint listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Keeps a link up to `target` (`host:port`, resolved again at each attempt) until the endpoint
    /// closes or [`Self::give_up`]; nothing happens for a target that has one. More than
    /// [`TARGETS_MAX`] are refused with a log line.
    ///
    /// Two targets may turn out to be one node: then the link that stands is kept, and the other
    /// target is tried again when it is gone.
    pub fn connect(&self, target: String) {
        let mut targets = self.targets();
        if targets.contains_key(&target) {
            return;
        }
        if targets.len() >= TARGETS_MAX {
            count(&self.port.node.counters.targets_refused);
            tracing::error!(%target, max = TARGETS_MAX, "too many targets; no link to this one");
            return;
        }
        let (kept, wanted) = watch::channel(());
        targets.insert(target.clone(), kept);
        drop(targets);
        let connector = Connector {
            node: Arc::clone(&self.port.node),
            quinn: self.port.quinn.clone(),
            client: self.client.clone(),
            target,
            wanted,
        };
        let alive = self.alive.clone();
        tokio::spawn(async move {
            connector.run().await;
            drop(alive);
        });
    }

    /// Connects to `target` no longer. A link to it that stands is not touched.
    pub fn give_up(&self, target: &str) {
        self.targets().remove(target);
    }

    /// Sampled frames on their way through this node.
    #[must_use]
    pub fn trails(&self) -> &Trails {
        &self.port.node.trails
    }

    /// How the endpoint does.
    #[must_use]
    pub fn statistics(&self) -> EndpointStatistics {
        self.port.node.statistics()
    }

    /// Tasks that the end of the endpoint would wait for, the endpoint itself counted.
    #[cfg(test)]
    pub(crate) fn tasks(&self) -> usize {
        self.alive.strong_count()
    }

    fn targets(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<()>>> {
        // The map is whole between any two statements, so a panic elsewhere does not spoil it.
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all links in order and frees the port; takes a few seconds at most.
    pub async fn close(self, reason: &str) {
        let Self { port, alive, mut ended, mut released, .. } = self;
        port.node.close(reason);
        drop(alive);
        if tokio::time::timeout(GOODBYE_MAX, ended.recv()).await.is_err() {
            tracing::warn!(links = port.node.registry.len(), "some links did not end in time");
        }
        port.quinn.close(code::IN_ORDER, reason.as_bytes());
        if tokio::time::timeout(IDLE_MAX, port.quinn.wait_idle()).await.is_err() {
            tracing::debug!("the last packets did not leave in time");
        }
        drop(port);
        if tokio::time::timeout(IDLE_MAX, released.recv()).await.is_err() {
            tracing::debug!("the port was not freed in time");
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // After an orderly close this changes nothing.
        self.node.close("the endpoint is gone");
        self.quinn.close(code::CUT, b"the endpoint is gone");
    }
}

async fn accept(node: Arc<Node>, quinn: quinn::Endpoint, alive: Alive) {
    let mut admission = Admission::new(node.limits);
    let mut logged: Option<Instant> = None;
    let (failures, mut failed) = mpsc::channel::<Failure>(16);
    loop {
        tokio::select! {
            incoming = quinn.accept() => match incoming {
                Some(incoming) => admit(&node, &mut admission, incoming, &failures, &alive),
                None => return,
            },
            Some(failure) = failed.recv() => {
                if failure.reason == LINKED {
                    continue;
                }
                let now = Instant::now();
                if logged.is_none_or(|last| now - last >= STRANGER_LOG_INTERVAL) {
                    logged = Some(now);
                    tracing::warn!(%failure, kind = ?failure.kind, "a connection did not become a link");
                }
            }
            _ = node.closing() => return,
        }
    }
}

fn admit(
    node: &Arc<Node>,
    admission: &mut Admission,
    incoming: Incoming,
    failures: &mpsc::Sender<Failure>,
    alive: &Alive,
) {
    let address = incoming.remote_address();
    let occupancy = Occupancy {
        links: node.registry.len(),
        handshakes: node.handshakes.load(Ordering::Relaxed),
    };
    let proved = incoming.remote_address_validated();
    match admission.handle_incoming(address.ip(), proved, occupancy, Instant::now()) {
        Verdict::Retry => {
            count(&node.counters.retries);
            if incoming.retry().is_err() {
                tracing::trace!(%address, "this connection needs no retry");
            }
        }
        Verdict::Refuse(refusal) => {
            node.count_refusal(refusal);
            tracing::debug!(%address, ?refusal, "connection refused");
            incoming.refuse();
        }
        Verdict::Accept => {
            let handshake = Handshake::begin(node);
            let (node, failures, alive) = (Arc::clone(node), failures.clone(), alive.clone());
            tokio::spawn(async move {
                if let Outcome::NeverUp(failure) = take(&node, incoming, handshake).await {
                    node.count_failure(&failure);
                    tracing::debug!(%address, %failure, "handshake failed");
                    // A full queue of failures means that one is being logged already.
                    let _ = failures.try_send(failure);
                }
                drop(alive);
            });
        }
    }
}

async fn take(node: &Arc<Node>, incoming: Incoming, handshake: Handshake) -> Outcome {
    let connecting = match incoming.accept() {
        Ok(connecting) => connecting,
        Err(error) => return Outcome::NeverUp(error.into()),
    };
    let connection = tokio::select! {
        connected = tokio::time::timeout(node.limits.handshake_timeout, connecting) => match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Outcome::NeverUp(error.into()),
            Err(_) => return Outcome::NeverUp(Failure::timeout()),
        },
        _ = node.closing() => return Outcome::Closing,
    };
    session::run(node, connection, Side::Taking { handshake }).await
}
