//! The mesh thread: links, rooms and, in a standalone node, the origin, on one single-threaded
//! runtime, so that a frame never waits for a lock or for the HTTP server.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use prometheus::Registry;
use stoa_link::{
    Endpoint, EndpointConfig, EndpointMetrics, InboxSender, LinkMetrics, PeerName, inbox,
};
#[cfg(feature = "standalone")]
use stoa_origin::store::{DurableConfig, StoreConfig};
use stoa_protocol::ids::NodeRole;
use stoa_protocol::mesh::control::Relay;
use stoa_runtime::metrics_page::Health;
use tokio::sync::{oneshot, watch};
use tokio::time::MissedTickBehavior;

use crate::config::{MeshConfig, OwnOrigin};
use crate::rooms::{
    Hub, Limits, OnEnded, OnRecommended, OnRevoked, Orders, RoomsMetrics, Shell, Steering,
    Surroundings,
};
use crate::webrtc::{FromPlaneQueue, Plane};

/// How often the endpoint's counts are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Why links end when this edge does.
const GOODBYE: &str = "this edge leaves";

/// What the mesh thread works with.
pub struct Start {
    /// This node.
    pub name: PeerName,
    /// Degrees north and east, if it is known.
    pub coordinates: Option<(f64, f64)>,
    /// Where clients reach this edge, if others may be told.
    pub public_url: Option<String>,
    /// Links to origins; without one an origin is embedded.
    pub config: MeshConfig,
    /// What the embedded origin is given.
    pub own: OwnOrigin,
    /// Bounds of the rooms.
    pub limits: Limits,
    /// Where metrics go.
    pub registry: Registry,
    /// Becomes ready once an origin was reached.
    pub health: Health,
    /// Where frames go to be heard.
    pub plane: Plane,
    /// What clients say.
    pub from_plane: FromPlaneQueue,
    /// What the signaling side asks.
    pub orders: Orders,
    /// Hears of ended sessions.
    pub on_ended: OnEnded,
    /// Hears of tokens that hold no longer.
    pub on_revoked: OnRevoked,
    /// Hears where clients may go instead.
    pub on_recommended: OnRecommended,
}

/// The running mesh thread.
#[derive(Debug)]
pub struct Mesh {
    steering: Steering,
    local_addr: Option<SocketAddr>,
    ended: oneshot::Receiver<()>,
}

impl Mesh {
    /// Starts the thread, and returns when links can come up.
    ///
    /// # Errors
    /// When an address is taken, certificates cannot be used, or metrics are registered already.
    pub async fn start(start: Start) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (up, started) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("mesh".to_owned()).spawn(move || {
            runtime.block_on(run(start, up));
            // Nobody may wait any more.
            let _ = end.send(());
        })?;
        let (steering, local_addr) = started.await.context("the mesh thread has died")??;
        Ok(Self { steering, local_addr, ended })
    }

    /// Where links are taken, unless the origin is embedded.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// What the composition root asks of the rooms.
    #[must_use]
    pub fn steering(&self) -> &Steering {
        &self.steering
    }

    /// Resolves when the thread has ended by itself, which it never should.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Takes everybody out, says goodbye on all links, and ends the thread.
    pub async fn end(self) {
        self.steering.end().await;
        let _ = self.ended.await;
    }
}

/// Who is up, and where it takes links.
type Up = (Steering, Option<SocketAddr>);

async fn run(start: Start, up: oneshot::Sender<anyhow::Result<Up>>) {
    match build(start).await {
        Ok(Running { shell, steering, endpoint, origin, configured, targets }) => {
            let local = endpoint.as_ref().map(|(endpoint, _)| endpoint.local_addr());
            if up.send(Ok((steering, local))).is_ok() {
                beside(&endpoint, &configured, targets, shell.run()).await;
            }
            origin.end().await;
            if let Some((endpoint, _)) = endpoint {
                endpoint.close(GOODBYE).await;
            }
        }
        Err(error) => {
            let _ = up.send(Err(error));
        }
    }
}

struct Running {
    shell: Shell,
    steering: Steering,
    endpoint: Option<(Endpoint, EndpointMetrics)>,
    origin: Origin,
    /// Addresses of the configuration.
    configured: BTreeSet<String>,
    /// Addresses that origins want linked.
    targets: watch::Receiver<BTreeSet<String>>,
}

async fn build(start: Start) -> anyhow::Result<Running> {
    let Start { name, config, limits, registry, health, plane, from_plane, orders, .. } = start;
    let Start { on_ended, on_revoked, on_recommended, own, coordinates, public_url, .. } = start;
    let metrics = RoomsMetrics::new(&registry).context("metrics of rooms")?;
    let links = LinkMetrics::register(&registry, NodeRole::Edge).context("metrics of links")?;
    let (sender, inbox) = inbox();
    let (endpoint, origin) = if config.origins.is_empty() {
        health.set_ready(false, "the embedded origin is starting");
        (None, Origin::embed(name, (&config.rooms_file, own), sender.clone(), &registry).await?)
    } else {
        health.set_ready(false, "no origin has been reached yet");
        (Some(connect(name, &config, sender.clone(), &registry)?), Origin::default())
    };
    let mut hub = Hub::new(limits, metrics.clone());
    if let Some((endpoint, _)) = &endpoint {
        let public_url = public_url.unwrap_or_default();
        hub.offer(Relay { public_url, ..offer(&config, endpoint.local_addr(), coordinates) });
    }
    let (wanted, targets) = watch::channel(BTreeSet::new());
    let around = Surroundings {
        inbox,
        sender,
        plane,
        from_plane,
        orders,
        health,
        links,
        trails: endpoint.as_ref().map(|(endpoint, _)| endpoint.trails().clone()),
        metrics,
        on_ended,
        on_revoked,
        on_recommended,
        on_targets: Box::new(move |targets| {
            wanted.send_replace(targets);
        }),
    };
    let (shell, steering) = Shell::new(hub, around);
    let configured = config.origins.into_iter().collect();
    Ok(Running { shell, steering, endpoint, origin, configured, targets })
}

/// What this edge offers to others.
fn offer(config: &MeshConfig, local: SocketAddr, at: Option<(f64, f64)>) -> Relay {
    let own = || (!local.ip().is_unspecified()).then(|| local.to_string());
    let address = config.advertise.clone().or_else(own).filter(|_| config.fan_out_max > 0);
    Relay {
        address: address.unwrap_or_default(),
        fan_out_max: config.fan_out_max,
        latitude: at.map(|(latitude, _)| latitude),
        longitude: at.map(|(_, longitude)| longitude),
        ..Relay::default()
    }
}

fn connect(
    name: PeerName,
    config: &MeshConfig,
    inbox: InboxSender,
    registry: &Registry,
) -> anyhow::Result<(Endpoint, EndpointMetrics)> {
    let metrics = EndpointMetrics::register(registry, NodeRole::Edge)
        .context("metrics of the mesh endpoint")?;
    let limits = stoa_link::Limits {
        booked_bits_per_second: config.booked_bits_per_second,
        ..stoa_link::Limits::default()
    };
    let identity = config.certificates.identity()?;
    let listen = config.listen;
    let endpoint = Endpoint::bind(EndpointConfig { listen, identity, name, limits }, inbox)
        .with_context(|| format!("the mesh cannot start on {listen}"))?;
    endpoint.trails().register(registry).context("metrics of hops")?;
    for origin in &config.origins {
        endpoint.connect(origin.clone());
    }
    Ok((endpoint, metrics))
}

/// Runs the rooms; meanwhile exports the endpoint's counts, and links to the origins that others name.
async fn beside(
    endpoint: &Option<(Endpoint, EndpointMetrics)>,
    configured: &BTreeSet<String>,
    mut targets: watch::Receiver<BTreeSet<String>>,
    rooms: impl Future<Output = ()>,
) {
    let mut dialled = BTreeSet::new();
    let mut export = tokio::time::interval(EXPORT_INTERVAL);
    export.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rooms = pin!(rooms);
    loop {
        tokio::select! {
            biased;
            () = &mut rooms => return,
            Ok(()) = targets.changed() => {
                let wanted = targets.borrow_and_update().clone();
                if let Some((endpoint, _)) = endpoint {
                    dial(endpoint, configured, &dialled, &wanted);
                }
                dialled = wanted;
            }
            _ = export.tick() => {
                if let Some((endpoint, metrics)) = endpoint {
                    metrics.note(&endpoint.statistics());
                }
            }
        }
    }
}

/// Links to what is newly wanted, and gives up what is not wanted any more.
fn dial(
    endpoint: &Endpoint,
    configured: &BTreeSet<String>,
    before: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) {
    for target in wanted.difference(before) {
        tracing::info!(%target, "an origin names another one");
        endpoint.connect(target.clone());
    }
    for target in before.difference(wanted).filter(|target| !configured.contains(*target)) {
        tracing::info!(%target, "no origin names this one any more");
        endpoint.give_up(target);
    }
}

/// The origin of a standalone node, if this is one.
#[derive(Debug, Default)]
struct Origin {
    #[cfg(feature = "standalone")]
    embedded: Option<stoa_origin::Embedded>,
}

#[cfg(feature = "standalone")]
impl Origin {
    async fn embed(
        edge: PeerName,
        (file, own): (&Path, OwnOrigin),
        inbox: InboxSender,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let region = Some(edge.region.clone());
        let durable = if file.as_os_str().is_empty() {
            DurableConfig::Memory
        } else {
            DurableConfig::Embedded { file: file.to_owned() }
        };
        let store = StoreConfig { durable, ..StoreConfig::default() };
        let OwnOrigin { webhooks, retention } = own;
        let config = stoa_origin::Config {
            region,
            store,
            webhooks,
            retention,
            ..stoa_origin::Config::default()
        };
        let origin = stoa_origin::embed(&config, registry).await;
        let origin = origin
            .context("the embedded origin (mesh.rooms_file says where it keeps its rooms)")?;
        stoa_link::in_process(edge, inbox, origin.name.clone(), origin.inbox.clone());
        Ok(Self { embedded: Some(origin) })
    }

    async fn end(self) {
        if let Some(origin) = self.embedded {
            origin.end().await;
        }
    }
}

#[cfg(not(feature = "standalone"))]
impl Origin {
    #[expect(clippy::unused_async, reason = "as the other one")]
    async fn embed(
        _: PeerName,
        _: (&Path, OwnOrigin),
        _: InboxSender,
        _: &Registry,
    ) -> anyhow::Result<Self> {
        anyhow::bail!("this binary has no origin of its own: name one by --origin or mesh.origins")
    }

    async fn end(self) {}
}
