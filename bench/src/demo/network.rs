//! Origins and edges, and the ways between them: each node is reached through a proxy of its own, which holds a packet up
//! as long as the way from its sender takes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::{Rng, RngExt};
use stoa_geo::places::Place;
use tempfile::TempDir;

use super::distance::{Matrix, RoundTrip, round_trip};
use crate::impair::{self, Direction, Entrance, Loss, Plan, Profile, Proxy, Sample};
use crate::load::{Connection, Room};
use crate::node::{Child, EdgeSettings, MeshSettings, OriginSettings, StorePlace, this_program};
use crate::servers::Cassandra;

/// Participants that an edge of the demo takes.
const PARTICIPANTS: u32 = 5_000;
/// Nodes tell their senders' ways apart by loopback addresses, of which each kind has 250.
const KIND_MAX: usize = 250;

/// What the network is to be like.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Edges are told of the first. Several share a Cassandra.
    pub(crate) origins: Vec<&'static Place>,
    pub(crate) edges: Vec<&'static Place>,
    pub(crate) matrix: Matrix,
    pub(crate) jitter: Duration,
    pub(crate) loss: Loss,
    /// Where the edges serve HTTP and media.
    pub(crate) listen: IpAddr,
    /// HTTP port of the first edge, the others follow; 0 takes free ones.
    pub(crate) port: u16,
    /// How many edges an origin sends one room to; as many as by default if absent.
    pub(crate) fan_out: Option<u16>,
    /// Seconds that nodes have to leave in.
    pub(crate) drain_s: u32,
}

/// The running network; dropping it ends all processes.
#[derive(Debug)]
pub(crate) struct Network {
    // In the order in which they must go.
    pub(crate) edges: Vec<Edge>,
    pub(crate) origins: Vec<Site>,
    /// How far places are from each other.
    pub(crate) matrix: Matrix,
    /// With a token for each role.
    pub(crate) room: Room,
    /// Ways to nodes that have gone stay: what is sent there gets lost, as in the world.
    gone: Vec<Proxy>,
    store: Option<Cassandra>,
    folder: TempDir,
}

/// A node and the way to it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) place: &'static Place,
    pub(crate) node: Child,
    /// Everybody's way to it.
    front: Proxy,
    /// Its address as others' proxies see it.
    source: IpAddr,
}

/// An edge.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) site: Site,
    /// To the first origin.
    pub(crate) round_trip: RoundTrip,
    /// Pages of the room.
    pub(crate) speaker: String,
    pub(crate) listener: String,
}

/// Everything to start one node with.
struct Starting<'a> {
    wish: &'a Wish,
    program: &'a Path,
    folder: &'a Path,
    /// Places and addresses of all nodes.
    ways: &'a [(&'static Place, IpAddr)],
    seed: u64,
}

impl Network {
    /// Starts everything and makes a room.
    ///
    /// # Errors
    /// "not possible here" where several origins are wanted and Cassandra cannot run; when a node does not start.
    pub(crate) async fn start(wish: &Wish) -> Result<Self> {
        ensure!(
            wish.origins.len() <= KIND_MAX && wish.edges.len() <= KIND_MAX,
            "at most {KIND_MAX} origins and as many edges can be told apart"
        );
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let store = if wish.origins.len() > 1 { Some(Cassandra::start().await?) } else { None };
        let sources = (0..).map(|number| source(64, number)).zip(&wish.origins);
        let sources = sources.chain((0..).map(|number| source(65, number)).zip(&wish.edges));
        let ways: Vec<_> = sources.map(|(source, place)| (*place, source)).collect();
        let program = this_program()?;
        let mut starting =
            Starting { wish, program: &program, folder: folder.path(), ways: &ways, seed: 0 };
        let mut origins = Vec::new();
        for (place, source) in ways.iter().take(wish.origins.len()) {
            let durable = store.as_ref().map(|store| StorePlace::Cassandra(store.config()));
            let (place, store) = (*place, durable.unwrap_or_default());
            origins.push(starting.origin(place, *source, store).await?);
        }
        let first = origins.first().context("a network without origins")?;
        let (at, secret) = (first.front.address(), random_secret(&mut rand::rng()));
        let mut edges = Vec::new();
        for ((place, source), number) in ways.iter().skip(origins.len()).zip(0u16..) {
            let port = if wish.port == 0 { 0 } else { wish.port.saturating_add(number) };
            let site = starting.edge((place, *source), port, at, &secret).await?;
            let round_trip = round_trip(&wish.matrix, place, first.place);
            let (speaker, listener) = (String::new(), String::new());
            edges.push(Edge { site, round_trip, speaker, listener });
        }
        let first = edges.first().context("a network without edges")?;
        let room = make_room(first.site.node.http()).await?;
        for edge in &mut edges {
            let http = reached(edge.site.node.http());
            let link = |token: &str| format!("http://{http}/r/{}#token={token}", room.room);
            (edge.speaker, edge.listener) =
                (link(&room.tokens.speaker), link(&room.tokens.listener));
        }
        let matrix = wish.matrix.clone();
        Ok(Self { edges, origins, matrix, room, gone: Vec::new(), store, folder })
    }

    /// What passed in both directions between an edge and the first origin.
    pub(crate) fn path(&self, edge: &Edge) -> [Sample; 2] {
        let of = |direction| {
            let origin = self.origins.first();
            origin.and_then(|origin| origin.front.sample_of(edge.site.source, direction))
        };
        [of(Direction::Up), of(Direction::Down)].map(Option::unwrap_or_default)
    }

    /// All nodes that run, origins first.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        self.origins.iter().chain(self.edges.iter().map(|edge| &edge.site))
    }

    /// Kills a node, as a power cut would.
    pub(crate) fn kill(&mut self, name: &str) {
        if let Some(site) = self.take(name) {
            self.gone.push(site.front);
        }
    }

    fn take(&mut self, name: &str) -> Option<Site> {
        let is_meant = |site: &Site| site.node.name() == name;
        if let Some(at) = self.origins.iter().position(is_meant) {
            return Some(self.origins.remove(at));
        }
        let at = self.edges.iter().position(|edge| is_meant(&edge.site))?;
        Some(self.edges.remove(at).site)
    }

    /// Ends all nodes: edges say goodbye to the origin, so they are asked first.
    pub(crate) async fn end(self) {
        for edge in &self.edges {
            edge.site.node.ask_to_end();
        }
        for edge in self.edges {
            edge.site.node.ended().await;
        }
        for origin in &self.origins {
            origin.node.ask_to_end();
        }
        for origin in self.origins {
            origin.node.ended().await;
        }
        drop((self.store, self.folder));
    }
}

impl Site {
    /// Bytes that have gone from here to `to`, whoever of the two has dialled.
    pub(crate) fn bytes_to(&self, to: &Self) -> u64 {
        let there = to.front.sample_of(self.source, Direction::Up);
        let back = self.front.sample_of(to.source, Direction::Down);
        there.iter().chain(&back).map(|sample| sample.bytes).sum()
    }

    /// Lets nothing more pass from here to `to`.
    pub(crate) fn cut_to(&self, to: &Self) {
        to.front.cut(self.source, Direction::Up, true);
        self.front.cut(to.source, Direction::Down, true);
    }
}

impl Starting<'_> {
    async fn origin(
        &mut self,
        place: &'static Place,
        source: IpAddr,
        store: StorePlace,
    ) -> Result<Site> {
        let entrance = entrance()?;
        let settings = OriginSettings {
            node: format!("{}-origin", place.code),
            place: Some(degrees(place)),
            mesh: MeshSettings { fan_out: self.wish.fan_out, ..Self::mesh(&entrance, source) },
            store,
            drain_s: self.wish.drain_s,
        };
        let node = settings.start(self.program, self.folder).await?;
        self.site(place, source, node, entrance)
    }

    async fn edge(
        &mut self,
        (place, source): (&'static Place, IpAddr),
        port: u16,
        origin: SocketAddr,
        secret: &str,
    ) -> Result<Site> {
        let entrance = entrance()?;
        let settings = EdgeSettings {
            node: format!("{}-edge", place.code),
            http: SocketAddr::new(self.wish.listen, port),
            media: SocketAddr::new(self.wish.listen, 0),
            advertise: Vec::new(),
            place: Some(degrees(place)),
            origin: Some(origin),
            mesh: Self::mesh(&entrance, source),
            secret: Some(secret.to_owned()),
            workers: 1,
            participants: PARTICIPANTS,
            drain_s: self.wish.drain_s,
        };
        let node = settings.start(self.program, self.folder).await?;
        self.site(place, source, node, entrance)
    }

    fn mesh(entrance: &Entrance, listen: IpAddr) -> MeshSettings {
        MeshSettings { listen, advertise: Some(entrance.address()), fan_out: None }
    }

    fn site(
        &mut self,
        place: &'static Place,
        source: IpAddr,
        node: Child,
        entrance: Entrance,
    ) -> Result<Site> {
        let target = node.mesh().context("a node does not say where it takes links")?;
        let others = self.ways.iter().filter(|(_, other)| *other != source);
        let sources = others.map(|(other, address)| (*address, self.way(place, other)));
        let sources: BTreeMap<IpAddr, Profile> = sources.collect();
        self.seed += 1;
        let plain = Profile::default();
        let plan = Plan { target, up: plain, down: plain, sources, seed: self.seed };
        Ok(Site { place, node, front: impair::spawn(entrance, plan)?, source })
    }

    fn way(&self, from: &Place, to: &Place) -> Profile {
        let round_trip = round_trip(&self.wish.matrix, from, to);
        Profile {
            delay: Duration::from_secs_f64(round_trip.ms / 2_000.0),
            jitter: self.wish.jitter,
            loss: self.wish.loss,
            ..Profile::default()
        }
    }
}

/// One room for all edges, which share the secret of tokens.
async fn make_room(edge: SocketAddr) -> Result<Room> {
    Connection::open(edge).await?.create_room("Demo").await
}

fn entrance() -> Result<Entrance> {
    Entrance::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Where a node of a kind sends from.
fn source(kind: u8, number: u8) -> IpAddr {
    IpAddr::from([127, 0, kind, number.saturating_add(1)])
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
