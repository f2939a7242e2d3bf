//! The composition root: every start-up step in order, one `select!`, then a drain with a deadline.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use prometheus::Registry;
use rand::rngs::StdRng;
use stoa_link::{Endpoint, InboxSender, PeerName, inbox};
use stoa_runtime::metrics_page::{self, Health};
use stoa_runtime::shutdown::{DrainEnd, Shutdown, within};
use stoa_runtime::telemetry;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::keeping::{self, Scribe};
use crate::metrics::{EndpointMetrics, Metrics, NodeLabels};
use crate::room::Start;
use crate::service::{Server, Service, Steering};
use crate::store::Stores;
use crate::webhook::{self, Webhooks};

/// How often the endpoint's counts are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How long what waits in journals may take when the process ends.
const STORE_LIMIT: Duration = Duration::from_secs(5);

/// How long back ends have to hear what they have not heard yet when the process ends.
const WEBHOOKS_LIMIT: Duration = Duration::from_secs(5);

/// How long edges have to hear the goodbye before the process ends.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);

/// An origin inside another process, without a network of its own.
///
/// An edge links to it with [`fn@stoa_link::in_process`]:
///
/// ```no_run
/// # async fn start(edge: stoa_link::PeerName, edge_inbox: stoa_link::InboxSender) -> anyhow::Result<()> {
/// let registry = prometheus::Registry::new();
/// let origin = stoa_origin::embed(&stoa_origin::Config::default(), &registry).await?;
/// stoa_link::in_process(edge, edge_inbox, origin.name.clone(), origin.inbox.clone());
/// // .. until the process drains:
/// origin.end().await;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it ends the origin.
#[derive(Debug)]
pub struct Embedded {
    /// The origin's name in the mesh.
    pub name: PeerName,
    /// Where links to the origin tell what happens on them.
    pub inbox: InboxSender,
    steering: Steering,
    server: JoinHandle<()>,
    stores: Arc<Stores>,
    webhooks: Option<Webhooks>,
}

impl Embedded {
    /// What the drain of the surrounding process asks of the origin.
    #[must_use]
    pub fn steering(&self) -> &Steering {
        &self.steering
    }

    /// Ends all links in order; returns when the origin has ended.
    pub async fn end(self) {
        self.steering.end().await;
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the origin did not end in order");
        }
        end_webhooks(self.webhooks).await;
        end_stores(self.stores).await;
    }
}

/// Starts an origin on the current tokio runtime, with the rooms that its store has kept; a current-thread runtime is
/// enough. It has no endpoint: `mesh`, `metrics`, `certificates`, `telemetry` and `drain_s` of `config` have no effect.
/// Its metrics (`stoa_origin_*`) go to `registry`.
///
/// # Errors
/// When the configuration is out of range, `registry` holds an origin's metrics already, or the store cannot be read.
///
/// # Panics
/// Outside a tokio runtime, as [`tokio::spawn`] does.
pub async fn embed(config: &Config, registry: &Registry) -> anyhow::Result<Embedded> {
    config.check()?;
    let name = config.name()?;
    let metrics = register(config, &name, registry)?;
    let stores = Arc::new(Stores::open(&config.store, registry).context("the store of rooms")?);
    let webhooks = start_webhooks(config, registry)?;
    let sender = webhooks.as_ref().map(Webhooks::sender);
    let (inbox, steering, server) = start_service(config, &name, metrics, &stores, sender).await?;
    Ok(Embedded { name, inbox, steering, server, stores, webhooks })
}

/// Runs an origin until a signal asks it to leave.
///
/// # Errors
/// When it cannot start: addresses taken, certificates unreadable, configuration out of range.
pub fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::start(&config.telemetry)?;
    // One thread for the mesh and the rooms: a frame never waits for a lock or another core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
        Origin::start(config).await?.until(&shutdown).await
    })
}

/// A running origin with its endpoint and its page.
#[derive(Debug)]
pub struct Origin {
    endpoint: Endpoint,
    page: SocketAddr,
    health: Health,
    metrics: EndpointMetrics,
    steering: Steering,
    server: JoinHandle<()>,
    stores: Arc<Stores>,
    webhooks: Option<Webhooks>,
    drain_limit: Duration,
}

impl Origin {
    /// Starts everything, in order: metrics, page, store, webhooks, rooms, mesh.
    ///
    /// # Errors
    /// When an address is taken, certificates cannot be used, the store cannot be read, or the configuration is out
    /// of range.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        config.check()?;
        let name = config.name()?;
        let registry = Registry::new();
        let endpoint_metrics = EndpointMetrics::register(&registry)?;
        let metrics = register(config, &name, &registry)?;
        let health = Health::new();
        let page = serve_page(config.metrics, &registry, &health)?;
        let stores =
            Arc::new(Stores::open(&config.store, &registry).context("the store of rooms")?);
        let webhooks = start_webhooks(config, &registry)?;
        let sender = webhooks.as_ref().map(Webhooks::sender);
        let (inbox, steering, server) =
            start_service(config, &name, metrics, &stores, sender).await?;
        let endpoint = Endpoint::bind(config.endpoint()?, inbox)
            .with_context(|| format!("the mesh cannot start on {}", config.mesh))?;
        health.set_ready(true, "");
        let mesh = endpoint.local_addr();
        tracing::info!(node = %name.node, region = %name.region, %mesh, metrics = %page, "origin up");
        let drain_limit = config.drain_limit();
        Ok(Self {
            endpoint,
            page,
            health,
            metrics: endpoint_metrics,
            steering,
            server,
            stores,
            webhooks,
            drain_limit,
        })
    }

    /// Where the mesh listens.
    #[must_use]
    pub fn mesh_addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    /// Where the metrics page listens.
    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.page
    }

    /// Runs until `shutdown` asks, then drains.
    ///
    /// # Errors
    /// When the server ends by itself.
    pub async fn until(mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let mut export = tokio::time::interval(EXPORT_INTERVAL);
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                _ = export.tick() => self.metrics.note(&self.endpoint.statistics()),
                ended = &mut self.server => {
                    ended.context("the origin's server failed")?;
                    anyhow::bail!("the origin's server ended by itself");
                }
            }
        }
        self.drain(shutdown).await
    }

    /// Tells the edges, waits until everybody has left or the time is over, says goodbye.
    async fn drain(self, shutdown: &Shutdown) -> anyhow::Result<()> {
        tracing::info!(limit_s = self.drain_limit.as_secs(), "draining");
        self.health.set_draining();
        self.steering.drain(self.drain_limit).await;
        match within(self.drain_limit, shutdown, self.steering.vacant()).await {
            DrainEnd::Complete => tracing::info!("everybody has left"),
            DrainEnd::DeadlinePassed => tracing::warn!("the drain's time is over; some stayed"),
            DrainEnd::Interrupted => tracing::warn!("the drain was interrupted"),
        }
        self.steering.end().await;
        let goodbye = async {
            if let Err(error) = self.server.await {
                tracing::error!(%error, "the origin's server did not end in order");
            }
            self.endpoint.close("this origin leaves").await;
        };
        within(GOODBYE_LIMIT, shutdown, goodbye).await;
        end_webhooks(self.webhooks).await;
        end_stores(self.stores).await;
        Ok(())
    }
}

fn register(config: &Config, name: &PeerName, registry: &Registry) -> anyhow::Result<Metrics> {
    let labels = NodeLabels { name, coordinates: config.latitude_longitude() };
    Metrics::register(registry, &labels).context("this registry holds an origin's metrics already")
}

async fn start_service(
    config: &Config,
    name: &PeerName,
    metrics: Metrics,
    stores: &Arc<Stores>,
    webhooks: Option<webhook::Sender>,
) -> anyhow::Result<(InboxSender, Steering, JoinHandle<()>)> {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Instant::now();
    let start = Start { now, unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) };
    let rng = rand::make_rng::<StdRng>();
    let mut service = Service::new(name.node.clone(), config.service_limits(), rng, start);
    for kept in keeping::load(stores).await? {
        service.restore(&kept, now);
    }
    let revocations = keeping::load_revocations(stores).await?;
    let lost = service.restore_revocations(&revocations, now);
    if lost > 0 {
        tracing::error!(lost, "revocations that the store has kept are not in force");
    }
    let (sender, inbox) = inbox();
    let scribe = Scribe::new(stores.clone());
    let (server, steering) =
        Server::new(service, (scribe, config.retention), webhooks, inbox, sender.clone(), metrics);
    Ok((sender, steering, tokio::spawn(server.run())))
}

/// A thread of its own, where there is somebody to tell.
fn start_webhooks(config: &Config, registry: &Registry) -> anyhow::Result<Option<Webhooks>> {
    if config.webhooks.is_empty() {
        return Ok(None);
    }
    let limits = webhook::Limits::default();
    webhook::start(&config.webhooks, limits, registry).context("webhooks").map(Some)
}

/// Tells what has not been heard yet. The rooms have ended, so that nothing more can happen.
async fn end_webhooks(webhooks: Option<Webhooks>) {
    let Some(webhooks) = webhooks else { return };
    let left = webhooks.end(WEBHOOKS_LIMIT).await;
    if left > 0 {
        tracing::warn!(left, "back ends were not told of everything before the end");
    }
}

/// Writes what still waits. Whoever else holds the stores is about to let go.
async fn end_stores(stores: Arc<Stores>) {
    let stored = match Arc::into_inner(stores) {
        Some(stores) => stores.end(STORE_LIMIT).await,
        None => false,
    };
    if !stored {
        tracing::error!("not everything was stored before the end");
    }
}

/// Serves the page from a thread of its own, so that a scrape never delays a frame. The thread ends
/// with the process.
fn serve_page(
    address: SocketAddr,
    registry: &Registry,
    health: &Health,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("the metrics page cannot listen on {address}; is another process there?")
    })?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let router = metrics_page::router(registry.clone(), health.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        metrics_page::serve_on(listener, router, std::future::pending()).await?;
        anyhow::Ok(())
    };
    std::thread::Builder::new().name("metrics-page".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(serve) {
            tracing::error!(%error, "the metrics page has ended");
        }
    })?;
    Ok(bound)
}
