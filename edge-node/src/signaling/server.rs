//! The HTTP server: from the listening socket to the router, within bounds, until it is told to stop.
//!
//! What is not even HTTP (malformed or endless headers) is answered by the layer below with a bare
//! 400 or 431; everything else gets a problem (RFC 9457).

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus::Registry;
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::CreateRoom;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::app::{App, Shared, permits};
use super::authority::Authority;
use super::client::Client;
use super::links::Welcome;
use super::metrics::{Limit, SignalingMetrics};
use super::patience::Patience;
use super::problem::Problem;
use super::revoker::Revoker;
use super::rooms::Rooms;
use super::settings::{HEADER_BYTES_MAX, HEADERS_MAX, Settings};
use super::{authorization, router, tls};
use crate::drain::DrainSwitch;
use crate::rooms::OtherEdge;
use crate::webrtc::SessionId;

/// Pause after a failed accept; the usual cause, too many open files, does not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that the kernel holds until they are accepted: who finds no place tries again only
/// after a second, and a link that is passed around brings hundreds in the same moment.
const BACKLOG: u32 = 4_096;

/// The signaling server, listening but not yet serving.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    app: Shared,
    stop: watch::Sender<bool>,
}

/// Tells the server which sessions have ended, so that their URLs end with them.
#[derive(Clone)]
pub struct SessionsEnded(Shared);

impl SessionsEnded {
    /// The session has ended; unknown ones are ignored.
    pub fn forget(&self, session: SessionId) {
        self.0.forget(session);
    }
}

/// Tells the server where clients may go instead.
#[derive(Clone)]
pub struct Recommended(Shared);

impl Recommended {
    /// These edges, nearest first, and no others but those of the operator.
    pub fn tell(&self, edges: &[OtherEdge]) {
        self.0.others.tell(edges);
    }
}

impl Server {
    /// Listens. `authority` checks and mints access tokens; `pages` are the process's own routes
    /// (`/metrics`, `/health`), served beside the API.
    ///
    /// # Errors
    /// When the address is taken, a certificate unusable, an ICE server malformed, or the metrics
    /// are registered already.
    pub async fn bind(
        settings: Settings,
        authority: Arc<Authority>,
        rooms: Arc<dyn Rooms>,
        pages: Router,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let tls = tls::acceptor(&settings.tls)?;
        let listener = listen(settings.listen)
            .with_context(|| format!("cannot listen on {} for HTTP", settings.listen))?;
        let metrics = SignalingMetrics::new(registry).context("signaling metrics")?;
        let (stop, stopping) = watch::channel(false);
        let app = App::new(settings, authority, rooms, metrics, stopping)?;
        let router = router::router(app.clone(), pages);
        Ok(Self { listener, tls, router, app, stop })
    }

    /// Where it listens; the port is the real one where the settings say 0.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What the server counts.
    #[must_use]
    pub fn metrics(&self) -> &SignalingMetrics {
        &self.app.metrics
    }

    /// Where to tell which sessions have ended.
    #[must_use]
    pub fn sessions_ended(&self) -> SessionsEnded {
        SessionsEnded(self.app.clone())
    }

    /// What says whether this edge is to leave.
    #[must_use]
    pub fn drain_switch(&self) -> DrainSwitch {
        self.app.drain.clone()
    }

    /// Where to tell which other edges there are.
    #[must_use]
    pub fn recommended(&self) -> Recommended {
        Recommended(self.app.clone())
    }

    /// Where revocations from the mesh go.
    #[must_use]
    pub fn revoker(&self) -> Revoker {
        Revoker(self.app.clone())
    }

    /// Makes `room` if it is not there and returns what to print: a table of links into it.
    /// For standalone nodes; the links hold tokens, so print them, never log them.
    ///
    /// # Errors
    /// When the room side does not answer or no token can be minted.
    pub async fn welcome(&self, room: RoomId, name: &str) -> anyhow::Result<String> {
        let (id, name) = (room.to_string(), name.to_owned());
        let create = CreateRoom { room: id, name, ..CreateRoom::default() };
        let made = self.app.ask(self.app.rooms.create(create)).await;
        match made {
            Ok(_) => {}
            // It survived a restart.
            Err(Problem { status, .. }) if status.as_u16() == 409 => {}
            Err(problem) => anyhow::bail!("cannot make the room {room}: {}", problem.detail),
        }
        let tokens = authorization::mint_all(self.app.authority.keys(), &room)
            .map_err(|problem| anyhow::anyhow!(problem.detail))?;
        let listen = self.local_addr().context("the listening socket has no address")?;
        let everywhere = listen.ip().is_unspecified();
        let welcome = Welcome {
            listen,
            tls: self.app.settings.tls.is_on(),
            public_url: self.app.settings.public_url.as_deref(),
            network: tls::local_addresses().first().copied().filter(|_| everywhere),
            room: &room,
            tokens: &tokens,
        };
        Ok(welcome.text())
    }

    /// Serves until `shutdown` ends; then takes nothing new, tells WebSockets that the node is
    /// draining, and waits for open connections as long as `limits.drain_s` allows.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, tls, router, app, stop } = self;
        let limits = app.settings.limits;
        let all_connections = permits(limits.connections_max);
        let connections = Arc::new(Semaphore::new(all_connections as usize));
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(permit) = connections.clone().try_acquire_owned() else {
                        app.metrics.reached(Limit::Connections);
                        continue;
                    };
                    let connection =
                        Connection { app: app.clone(), router: router.clone(), tls: tls.clone() };
                    tokio::spawn(async move {
                        connection.serve(stream, peer.ip()).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        stop.send_replace(true);
        let all_ended = async {
            let _ = connections.acquire_many(all_connections).await;
            let _ = app.websockets.acquire_many(permits(limits.websockets_max)).await;
        };
        if timeout(Duration::from_secs(limits.drain_s), all_ended).await.is_err() {
            tracing::info!("HTTP connections were still open when their time was up");
        }
    }
}

/// Serves IPv4 alone on hosts without IPv6.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match bind(address) {
        Err(error) if address.ip().is_unspecified() && address.is_ipv6() => {
            let v4_only = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => bind(v4_only),
            }
        }
        bound => bound,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The port of a process that has just ended can be taken at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

struct Connection {
    app: Shared,
    router: Router,
    tls: Option<TlsAcceptor>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, peer: IpAddr) {
        let open = self.app.metrics.connection();
        // Answers are single writes; waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => serve_http(&self.app, self.router, stream, peer).await,
            Some(tls) => {
                let patience = Duration::from_secs(self.app.settings.limits.header_read_s);
                match timeout(patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve_http(&self.app, self.router, stream, peer).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => self.app.metrics.reached(Limit::ReadTime),
                }
            }
        }
        drop(open);
    }
}

/// Serves one connection; ends early, after the request under way, when the server stops.
pub(super) async fn serve_http<S>(app: &App, router: Router, stream: S, peer: IpAddr)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(app.settings.limits.header_read_s))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        let client = Client::of(peer, request.headers(), &app.settings.trusted_proxies);
        request.extensions_mut().insert(client);
        router.call(request)
    });
    let stream = Patience::new(stream, app.metrics.clone());
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        if error.is_timeout() {
            app.metrics.reached(Limit::ReadTime);
        }
        tracing::debug!(%error, "an HTTP connection failed");
    }
}
