//! How a speaker and listeners come in: an offer over a warm connection, the answer to the thread that
//! shakes hands. What commands need besides, to start, watch and end a run.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hyper::Method;
use stoa_edge::webrtc::keys::Hook;
use str0m::config::DtlsCert;

use super::client::{Handshake, Purpose};
use super::http::{Connection, Room, Session};
use super::report::Reading;
use super::speaker::Speaker;
use super::swarm::{Join, Swarm};
use crate::measure::machine;
use crate::node::Child;

/// How long a speaker or a listener may take to be connected.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Between the last listener's first audio and the window: joins must not count as steady work.
pub(super) const SETTLE: Duration = Duration::from_millis(1_000);
/// After the window, for the last packets.
pub(super) const DRAIN: Duration = Duration::from_millis(1_200);
/// Frames per second of the speaker.
pub(super) const FRAMES_PER_SECOND: u32 = 50;
/// How often progress is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Media threads of the edge: as many as asked for, or all cores but one.
pub(super) fn edge_workers(asked: u8) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if asked > 0 { usize::from(asked) } else { cores.saturating_sub(1).max(1) }
}

/// A room of this run, and who comes in how.
pub(super) struct Scene {
    pub(super) room: Room,
    /// One for all clients: making one costs more than a handshake.
    pub(super) certificate: DtlsCert,
    /// What stamps count from.
    pub(super) epoch: Instant,
    /// Length of the packets that listeners ask for.
    pub(super) packet_ms: u32,
    edge: SocketAddr,
}

impl Scene {
    /// Makes a room on the edge.
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn open(edge: &Child, name: &str, packet_ms: u32) -> Result<Self> {
        let epoch = Instant::now();
        let certificate = Hook::shared().certificate().context("no DTLS certificate")?;
        let room = Connection::open(edge.http()).await?.create_room(name).await?;
        Ok(Self { room, certificate, epoch, packet_ms, edge: edge.http() })
    }

    /// A room that is there already, through `edge`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub(super) fn of(edge: SocketAddr, room: Room, packet_ms: u32) -> Result<Self> {
        let certificate = Hook::shared().certificate().context("no DTLS certificate")?;
        Ok(Self { room, certificate, epoch: Instant::now(), packet_ms, edge })
    }

    /// The same room through another edge.
    pub(super) fn beside(&self, edge: SocketAddr) -> Self {
        let (room, certificate) = (self.room.clone(), self.certificate.clone());
        Self { room, certificate, epoch: self.epoch, packet_ms: self.packet_ms, edge }
    }

    /// Brings the speaker up, through WHIP.
    ///
    /// # Errors
    /// When the edge refuses, or the speaker is not connected in time.
    pub(super) async fn speak(&self) -> Result<(Speaker, Session)> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no UDP port")?;
        let local = socket.local_addr().context("a socket without address")?;
        let (mut handshake, offer) =
            Handshake::new(local, Purpose::Speak, self.certificate.clone(), Instant::now())?;
        let path = format!("/v1/rooms/{}/whip", self.room.room);
        let mut http = Connection::open(self.edge).await?;
        let session = http.open_session(&path, &self.room.tokens.speaker, offer).await?;
        handshake.accept(&session.answer)?;
        let speaker = Speaker::spawn(handshake, socket, self.epoch)?;
        let began = Instant::now();
        while !speaker.is_connected() {
            if speaker.has_ended() {
                speaker.finish()?;
                bail!("the speaker ended before it was connected");
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the speaker was not connected within {PATIENCE:?}"
            );
            tokio::time::sleep(LOOK).await;
        }
        Ok((speaker, session))
    }

    /// Stops the speaker and ends his session.
    ///
    /// # Errors
    /// What went wrong while he spoke.
    pub(super) async fn hush(&self, speaker: Speaker, session: &Session) -> Result<()> {
        speaker.finish()?;
        // A connection of before may have been idle for too long.
        let mut http = Connection::open(self.edge).await?;
        let path = path_of(&session.location);
        http.send(Method::DELETE, path, Some(&self.room.tokens.speaker), None).await?;
        Ok(())
    }

    /// A way in for listeners of `swarm`, one after another.
    ///
    /// # Errors
    /// When the edge takes no connection.
    pub(super) async fn door(&self, swarm: &Arc<Swarm>) -> Result<Door> {
        Ok(Door {
            http: Connection::open(self.edge).await?,
            edge: self.edge,
            path: format!("/v1/rooms/{}/whep", self.room.room),
            token: self.room.tokens.listener.clone(),
            certificate: self.certificate.clone(),
            packet_ms: self.packet_ms,
            swarm: Arc::clone(swarm),
        })
    }
}

/// One warm connection through which listeners join.
pub(super) struct Door {
    http: Connection,
    edge: SocketAddr,
    path: String,
    token: String,
    certificate: DtlsCert,
    packet_ms: u32,
    swarm: Arc<Swarm>,
}

impl Door {
    /// Connects anew, after a request that came to nothing.
    ///
    /// # Errors
    /// When the edge takes no connection.
    pub(super) async fn reopen(&mut self) -> Result<()> {
        self.http = Connection::open(self.edge).await?;
        Ok(())
    }

    /// Sends a listener's offer and hands his handshake to the swarm.
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn join(&mut self, client: u32) -> Result<()> {
        let local: SocketAddr = self.swarm.places.of(client)?;
        let certificate = self.certificate.clone();
        let now = Instant::now();
        let purpose = Purpose::Listen { packet_ms: self.packet_ms };
        let (mut handshake, offer) = Handshake::new(local, purpose, certificate, now)?;
        let asked = Instant::now();
        let session = self.http.open_session(&self.path, &self.token, offer).await?;
        handshake.accept(&session.answer)?;
        self.swarm.join(Join { client, handshake: Box::new(handshake), asked })
    }
}

/// Waits until the speaker has sent that many frames, looking every `interval`.
///
/// # Errors
/// When it has ended before.
pub(super) async fn reach(speaker: &Speaker, frame: u32, interval: Duration) -> Result<()> {
    while speaker.sent() < frame {
        check(speaker)?;
        tokio::time::sleep(interval).await;
    }
    Ok(())
}

/// # Errors
/// When the speaker has ended.
pub(super) fn check(speaker: &Speaker) -> Result<()> {
    ensure!(!speaker.has_ended(), "the speaker has ended; the edge's log stands above");
    Ok(())
}

/// What edge and generator have used so far.
///
/// # Errors
/// When the edge is gone.
pub(super) fn read(edge: &Child) -> Result<Reading> {
    Ok(Reading {
        at: Instant::now(),
        edge: machine::usage(edge.pid())?,
        generator: machine::usage(std::process::id())?,
    })
}

/// A `Location` may be absolute; requests on an open connection want the path.
fn path_of(location: &str) -> &str {
    let after_scheme = location.split_once("://").map(|(_, rest)| rest);
    match after_scheme {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    }
}
