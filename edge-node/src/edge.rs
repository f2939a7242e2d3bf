//! The composition root: every start-up step in order, one `select!`, then a drain with a deadline.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use prometheus::{IntGauge, Registry};
use rand::Rng;
use stoa_protocol::ids::RoomId;
use stoa_runtime::metrics_page::{self, Health};
use stoa_runtime::shutdown::{DrainEnd, Shutdown, within};
use stoa_runtime::telemetry;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::drain::{self, DrainSwitch, GOODBYE_LIMIT};
use crate::mesh::{Mesh, Start};
use crate::metrics::register_node;
use crate::rooms::RoomsHandle;
use crate::signaling::Server;
use crate::webrtc::{Plane, PlaneMetrics};

/// The room that a standalone node opens for its first visitors.
const FIRST_ROOM: (&str, &str) = ("lobby", "Lobby");

/// Runs an edge until a signal asks it to leave. Needs a multi-threaded tokio runtime around it.
///
/// # Errors
/// When it cannot start: addresses taken, certificates unreadable, configuration out of range.
pub async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(&config.telemetry)?;
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    let edge = Box::pin(Edge::start(config)).await?;
    print!("{}", edge.welcome());
    Box::pin(edge.until(&shutdown)).await
}

/// A running edge.
pub struct Edge {
    http: SocketAddr,
    media: SocketAddr,
    welcome: String,
    health: Health,
    plane: Plane,
    mesh: Mesh,
    server: JoinHandle<()>,
    stop_server: oneshot::Sender<()>,
    switch: DrainSwitch,
    draining: IntGauge,
}

impl Edge {
    /// Starts everything, in order: metrics, media, HTTP port, mesh and rooms, HTTP.
    ///
    /// # Errors
    /// When an address is taken, certificates cannot be used, or the configuration is out of range.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        config.check()?;
        let name = config.name()?;
        let registry = Registry::new();
        register_node(&registry, &name, config.coordinates())?;
        let (health, draining) = (Health::new(), drain::register(&registry)?);
        let (plane, from_plane) = Plane::start(&config.media, PlaneMetrics::new(&registry)?)?;
        let (rooms, orders) = RoomsHandle::new(plane.clone());
        let server = Server::bind(
            config.signaling(),
            Arc::new(config.authority(drawn_secret())?),
            Arc::new(rooms),
            metrics_page::router(registry.clone(), health.clone()),
            &registry,
        )
        .await?;
        let sessions = server.sessions_ended();
        let (revoker, here) = (server.revoker(), Handle::current());
        let (recommended, switch) = (server.recommended(), server.drain_switch());
        let mesh = Mesh::start(Start {
            coordinates: config.coordinates(),
            name: name.clone(),
            public_url: config.http.public_url.clone(),
            config: config.mesh.clone(),
            own: config.own_origin(),
            limits: config.room_limits(),
            registry,
            health: health.clone(),
            plane: plane.clone(),
            from_plane,
            orders,
            on_ended: Box::new(move |session| sessions.forget(session)),
            // In force before the mesh thread goes on; what they end is ended beside it.
            on_revoked: Box::new(move |revocations| {
                here.spawn(revoker.revoke(revocations));
            }),
            on_recommended: Box::new(move |edges| recommended.tell(&edges)),
        })
        .await?;
        let welcome = welcome(&config, &server).await?;
        let (http, media) = (server.local_addr()?, plane.local_addr());
        let (stop_server, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.serve(async move {
            // An error means that this edge is gone, which ends the server too.
            let _ = stopped.await;
        }));
        tracing::info!(node = %name.node, region = %name.region, %http, %media, "edge up");
        Ok(Self {
            http,
            media,
            welcome,
            health,
            plane,
            mesh,
            server,
            stop_server,
            switch,
            draining,
        })
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where media is received.
    #[must_use]
    pub fn media_addr(&self) -> SocketAddr {
        self.media
    }

    /// Where links are taken, unless the origin is its own.
    #[must_use]
    pub fn mesh_addr(&self) -> Option<SocketAddr> {
        self.mesh.local_addr()
    }

    /// Ready-made links, for a terminal; empty unless this is a standalone node. They hold tokens:
    /// print them, never log them.
    #[must_use]
    pub fn welcome(&self) -> &str {
        &self.welcome
    }

    /// Runs until `shutdown` asks, or somebody over the API, then drains; goes on if that is taken back.
    ///
    /// # Errors
    /// When a part of the edge ends by itself.
    pub async fn until(mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let switch = self.switch.clone();
        let served = loop {
            tokio::select! {
                () = shutdown.requested() => switch.leave(None),
                () = switch.changed_from(None) => {}
                error = self.broken() => break Err(error),
            }
            match self.drain(shutdown).await {
                Ok(Drained::Leaves) => break Ok(()),
                Ok(Drained::Stays) => shutdown.take_back(),
                Err(error) => break Err(error),
            }
        };
        match served {
            Ok(()) => self.go(shutdown).await,
            Err(_) => hang_up(&self.plane, shutdown).await,
        }
        served
    }

    /// Resolves when a part of the edge ends by itself, which none should.
    async fn broken(&mut self) -> anyhow::Error {
        tokio::select! {
            ended = &mut self.server => match ended {
                Ok(()) => anyhow!("the HTTP server ended by itself"),
                Err(error) => anyhow!(error).context("the HTTP server failed"),
            },
            () = self.mesh.ended() => anyhow!("the mesh thread ended by itself"),
            () = self.plane.failed() => {
                anyhow!("a media worker failed; its clients hear nothing any more")
            }
            () = self.plane.ended() => anyhow!("the media plane ended by itself"),
        }
    }

    /// The first step of [`crate::drain`], until it is over or undone.
    async fn drain(&mut self, shutdown: &Shutdown) -> anyhow::Result<Drained> {
        let (switch, steering) = (self.switch.clone(), self.mesh.steering().clone());
        self.health.set_draining();
        self.draining.set(1);
        while let Some(leaving) = switch.leaving() {
            let left = leaving.left();
            tracing::info!(deadline_s = left.as_secs(), "draining");
            steering.drain(left).await;
            let end = tokio::select! {
                biased;
                () = switch.changed_from(Some(leaving)) => continue,
                error = self.broken() => return Err(error),
                end = within(left, shutdown, steering.idle()) => end,
            };
            match end {
                DrainEnd::Complete => tracing::info!("everybody has left"),
                DrainEnd::DeadlinePassed if left.is_zero() => tracing::info!("leaves at once"),
                DrainEnd::DeadlinePassed => tracing::warn!("the drain's time is over; some stayed"),
                DrainEnd::Interrupted => tracing::warn!("the drain was interrupted"),
            }
            return Ok(Drained::Leaves);
        }
        tracing::info!("the drain was undone");
        steering.undrain().await;
        self.health.set_undrained();
        self.draining.set(0);
        Ok(Drained::Stays)
    }

    /// The other steps of [`crate::drain`].
    async fn go(self, shutdown: &Shutdown) {
        let steering = self.mesh.steering().clone();
        steering.expel().await;
        // While HTTP is served, so that players find that their sessions are gone.
        within(GOODBYE_LIMIT, shutdown, steering.idle()).await;
        let goodbye = async {
            // An error means that the server has ended already.
            let _ = self.stop_server.send(());
            if let Err(error) = self.server.await {
                tracing::error!(%error, "the HTTP server did not end in order");
            }
        };
        within(GOODBYE_LIMIT, shutdown, goodbye).await;
        within(GOODBYE_LIMIT, shutdown, self.mesh.end()).await;
        hang_up(&self.plane, shutdown).await;
        tracing::info!("edge down");
    }
}

/// What a drain came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    Leaves,
    Stays,
}

/// Says goodbye to every client. The media workers do so on threads of their own, which would end in
/// the middle of it with the process.
async fn hang_up(plane: &Plane, shutdown: &Shutdown) {
    plane.stop();
    if within(GOODBYE_LIMIT, shutdown, plane.ended()).await != DrainEnd::Complete {
        tracing::warn!("media ends without a goodbye to every client");
    }
}

/// Only a standalone node has its origin at hand when it starts, and nobody else who makes rooms.
async fn welcome(config: &Config, server: &Server) -> anyhow::Result<String> {
    if !config.is_standalone() || !config.signaling().open {
        return Ok(String::new());
    }
    let (room, name) = FIRST_ROOM;
    server.welcome(RoomId::new(room)?, name).await
}

fn drawn_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    secret
}

#[cfg(test)]
#[cfg(feature = "standalone")]
#[path = "edge_tests.rs"]
mod tests;

#[cfg(test)]
#[cfg(feature = "standalone")]
#[path = "edge_network_tests.rs"]
mod network_tests;
