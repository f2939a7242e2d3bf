//! The composition root: every start-up step in order, one `select!`, then a drain with a deadline.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use prometheus::Registry;
use rand::rngs::StdRng;
use stoa_link::{Endpoint, EndpointMetrics, Inbox, InboxSender, PeerName, inbox};
use stoa_protocol::ids::{NodeId, NodeRole};
use stoa_runtime::metrics_page::{self, Health};
use stoa_runtime::shutdown::{DrainEnd, Shutdown, within};
use stoa_runtime::telemetry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cluster::{Keeper, LiveOrigin};
use crate::config::Config;
use crate::keeping::{self, Scribe};
use crate::metrics::{Metrics, NodeLabels};
use crate::room::Start;
use crate::service::{Server, Service, Steering};
use crate::status::{self, Asked, Site};
use crate::store::Stores;
use crate::webhook::{self, Webhooks};

/// How often the endpoint's counts are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How long what waits in journals may take when the process ends.
const STORE_LIMIT: Duration = Duration::from_secs(5);

/// Pause between two looks whether everybody has let go of the stores.
const LET_GO_WITHIN: Duration = Duration::from_millis(10);

/// News of the lease's keeper that may wait.
const TIDINGS_MAX: usize = 4;

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
    ensure!(!config.store.is_shared(), "an origin inside another process has a store of its own");
    let name = config.name()?;
    let metrics = register(config, &name, registry)?;
    let stores = Arc::new(Stores::open(&config.store, registry).context("the store of rooms")?);
    let webhooks = start_webhooks(config, registry)?;
    let told = webhooks.as_ref().map(Webhooks::sender);
    let (sender, inbox) = inbox();
    let ends = (inbox, sender.clone());
    // Nobody asks an origin inside another process.
    let surveys = status::channel().1;
    let rooms = Rooms { config, name: &name, stores: &stores, keeper: None, surveys };
    let (steering, server) = rooms.start(metrics, told, ends).await?;
    Ok(Embedded { name, inbox: sender, steering, server: server.rooms, stores, webhooks })
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
    server: Running,
    stores: Arc<Stores>,
    webhooks: Option<Webhooks>,
    drain_limit: Duration,
    node: NodeId,
    /// Addresses of other origins that this one connects to.
    dialled: BTreeSet<String>,
}

/// Tasks of an origin.
#[derive(Debug)]
struct Running {
    rooms: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
    /// Origins that are alive; never changes where there is only one.
    neighbours: watch::Receiver<Vec<LiveOrigin>>,
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
        let endpoint_metrics = EndpointMetrics::register(&registry, NodeRole::Origin)?;
        let metrics = register(config, &name, &registry)?;
        let health = Health::new();
        let (asker, surveys) = status::channel();
        let router = metrics_page::router(registry.clone(), health.clone()).merge(asker.router());
        let page = status::serve(config.metrics, router)?;
        let stores =
            Arc::new(Stores::open(&config.store, &registry).context("the store of rooms")?);
        let webhooks = start_webhooks(config, &registry)?;
        let told = webhooks.as_ref().map(Webhooks::sender);
        let (sender, inbox) = inbox();
        // Before the rooms: the lease says where this origin is. What comes meanwhile waits.
        let endpoint = Endpoint::bind(config.endpoint()?, sender.clone())
            .with_context(|| format!("the mesh cannot start on {}", config.mesh))?;
        endpoint.trails().register(&registry)?;
        let mesh = endpoint.local_addr();
        let keeper = if config.store.is_shared() {
            health.set_ready(false, "the lease of this origin has not been taken yet");
            let home = config.home(mesh);
            Some(Keeper::take(stores.clone(), name.node.clone(), home).await?)
        } else {
            None
        };
        let rooms = Rooms { config, name: &name, stores: &stores, keeper, surveys };
        let (steering, server) = rooms.start(metrics, told, (inbox, sender)).await?;
        health.set_ready(true, "");
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
            node: name.node,
            dialled: BTreeSet::new(),
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
                Ok(()) = self.server.neighbours.changed() => self.dial(),
                ended = &mut self.server.rooms => {
                    ended.context("the origin's server failed")?;
                    anyhow::bail!("the origin's server ended by itself");
                }
            }
        }
        self.drain(shutdown).await
    }

    /// Connects to origins that are alive. Of two, the one whose name comes first connects.
    fn dial(&mut self) {
        let live = self.server.neighbours.borrow_and_update().clone();
        let others = live.into_iter().filter(|live| live.node > self.node);
        let wanted: BTreeSet<String> = others.map(|live| live.home.address).collect();
        for address in self.dialled.difference(&wanted) {
            self.endpoint.give_up(address);
        }
        for address in wanted.difference(&self.dialled) {
            self.endpoint.connect(address.clone());
        }
        self.dialled = wanted;
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
            if let Err(error) = self.server.rooms.await {
                tracing::error!(%error, "the origin's server did not end in order");
            }
            if let Some(keeper) = self.server.keeper {
                // It gives the lease back, so that nobody need wait until it runs out.
                let _ = keeper.await;
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
    Metrics::register(registry, &labels).context("this registry has an origin's metrics already")
}

/// What the rooms of an origin start from.
struct Rooms<'a> {
    config: &'a Config,
    name: &'a PeerName,
    stores: &'a Arc<Stores>,
    /// Where the store is shared with other origins.
    keeper: Option<Keeper>,
    surveys: Asked,
}

impl Rooms<'_> {
    async fn start(
        self,
        metrics: Metrics,
        webhooks: Option<webhook::Sender>,
        ends: (Inbox, InboxSender),
    ) -> anyhow::Result<(Steering, Running)> {
        let Self { config, name, stores, keeper, surveys } = self;
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Instant::now();
        let start = Start { now, unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) };
        let rng = rand::make_rng::<StdRng>();
        let mut service = Service::new(name.node.clone(), config.service_limits(), rng, start);
        service.locate(&name.region, now);
        let (tell, tidings) = mpsc::channel(TIDINGS_MAX);
        let (show, neighbours) = watch::channel(Vec::new());
        let keeper = keeper.map(|keeper| {
            service.share(&config.home(config.mesh).domain, keeper.until());
            tokio::spawn(keeper.run(tell, show))
        });
        for kept in keeping::load(stores, &name.node).await? {
            service.restore(&kept, Instant::now());
        }
        let revocations = keeping::load_revocations(stores).await?;
        let lost = service.restore_revocations(&revocations, Instant::now());
        if lost > 0 {
            tracing::error!(lost, "revocations that the store has kept are not in force");
        }
        let lost = service.restore_blocks(&keeping::load_blocks(stores).await?);
        if lost > 0 {
            tracing::error!(lost, "blocks that the store has kept are not in force");
        }
        let kept = (Scribe::new(stores.clone()), config.retention);
        let site = Site { name: name.clone(), place: config.coordinates };
        let (server, steering) =
            Server::new(service, kept, webhooks, ends, metrics, tidings, (site, surveys));
        let running = Running { rooms: tokio::spawn(server.run()), keeper, neighbours };
        Ok((steering, running))
    }
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
    let began = Instant::now();
    let mut stores = stores;
    let stored = loop {
        match Arc::try_unwrap(stores) {
            Ok(stores) => break stores.end(STORE_LIMIT).await,
            // Something is still being read.
            Err(shared) if began.elapsed() < STORE_LIMIT => stores = shared,
            Err(_) => break false,
        }
        tokio::time::sleep(LET_GO_WITHIN).await;
    };
    if !stored {
        tracing::error!("not everything was stored before the end");
    }
}
