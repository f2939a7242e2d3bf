//! Origin, paths and edges, started in that order and ended in the other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::{Rng, RngExt};
use stoa_geo::places::Place;
use tempfile::TempDir;

use super::distance::{Matrix, RoundTrip, round_trip};
use crate::impair::{self, Loss, Plan, Profile, Proxy};
use crate::load::{Connection, Room};
use crate::node::{Child, EdgeSettings, OriginSettings, StorePlace, this_program};

/// Participants that an edge of the demo takes.
const PARTICIPANTS: u32 = 5_000;

/// What the network is to be like.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) origin: &'static Place,
    pub(crate) edges: Vec<&'static Place>,
    pub(crate) matrix: Matrix,
    pub(crate) jitter: Duration,
    pub(crate) loss: Loss,
    /// Where the edges serve HTTP and media.
    pub(crate) listen: IpAddr,
    /// HTTP port of the first edge, the others follow; 0 takes free ones.
    pub(crate) port: u16,
}

/// The running network; dropping it ends all processes.
#[derive(Debug)]
pub(crate) struct Network {
    // In the order in which they must go.
    pub(crate) edges: Vec<Edge>,
    pub(crate) origin: Child,
    /// With a token for each role.
    pub(crate) room: Room,
    folder: TempDir,
}

/// An edge with its path to the origin.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) place: &'static Place,
    pub(crate) node: Child,
    pub(crate) path: Proxy,
    pub(crate) round_trip: RoundTrip,
    /// Pages of the room.
    pub(crate) speaker: String,
    pub(crate) listener: String,
}

impl Network {
    /// Starts everything and makes a room.
    ///
    /// # Errors
    /// When a node does not start.
    pub(crate) async fn start(wish: &Wish) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let origin = OriginSettings {
            node: format!("{}-origin", wish.origin.code),
            place: Some(degrees(wish.origin)),
            store: StorePlace::default(),
            drain_s: 0,
        };
        let program = this_program()?;
        let origin = origin.start(&program, folder.path()).await?;
        let mesh = origin.mesh().context("the origin does not say where it takes links")?;
        let secret = random_secret(&mut rand::rng());
        let mut edges: Vec<Edge> = Vec::new();
        for (place, number) in wish.edges.iter().copied().zip(0u16..) {
            let round_trip = round_trip(&wish.matrix, place, wish.origin);
            let path = path(wish, round_trip, mesh, u64::from(number))?;
            let port = if wish.port == 0 { 0 } else { wish.port.saturating_add(number) };
            let settings = EdgeSettings {
                node: format!("{}-edge", place.code),
                http: SocketAddr::new(wish.listen, port),
                media: SocketAddr::new(wish.listen, 0),
                advertise: Vec::new(),
                place: Some(degrees(place)),
                origin: Some(path.address()),
                secret: Some(secret.clone()),
                workers: 1,
                participants: PARTICIPANTS,
                drain_s: 0,
            };
            let node = settings.start(&program, folder.path()).await?;
            let (speaker, listener) = (String::new(), String::new());
            edges.push(Edge { place, node, path, round_trip, speaker, listener });
        }
        let first = edges.first().context("a network without edges")?;
        let room = make_room(first.node.http()).await?;
        for edge in &mut edges {
            let link = |token: &str| {
                format!("http://{}/r/{}#token={token}", reached(edge.node.http()), room.room)
            };
            (edge.speaker, edge.listener) =
                (link(&room.tokens.speaker), link(&room.tokens.listener));
        }
        Ok(Self { edges, origin, room, folder })
    }

    /// Ends all nodes: edges say goodbye to the origin, so they are asked first.
    pub(crate) async fn end(self) {
        for edge in &self.edges {
            edge.node.ask_to_end();
        }
        for edge in self.edges {
            edge.node.ended().await;
        }
        self.origin.ask_to_end();
        self.origin.ended().await;
        drop(self.folder);
    }
}

/// One room for all edges, which share the secret of tokens.
async fn make_room(edge: SocketAddr) -> Result<Room> {
    Connection::open(edge).await?.create_room("Demo").await
}

fn path(wish: &Wish, round_trip: RoundTrip, target: SocketAddr, seed: u64) -> Result<Proxy> {
    let profile = Profile {
        delay: Duration::from_secs_f64(round_trip.ms / 2_000.0),
        jitter: wish.jitter,
        loss: wish.loss,
        ..Profile::default()
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    impair::spawn(Plan { listen, target, up: profile, down: profile, seed })
}

/// Where a browser on this machine reaches a server; it has the microphone at loopback addresses only.
fn reached(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}

fn degrees(place: &Place) -> (f64, f64) {
    (place.coordinates.latitude(), place.coordinates.longitude())
}

fn random_secret(rng: &mut impl Rng) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    (0..52).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}
