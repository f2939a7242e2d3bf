//! Three origins on one Cassandra, each a failure domain of its own, and three edges that are told of one of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rand::RngExt as _;
use rustix::process::Signal;
use serde::Serialize;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::census::{Census, LOOK, PATIENCE, listed, wait};
use crate::demo::Page;
use crate::load::http::{Connection, Room};
use crate::node::{Child, EdgeSettings, MeshSettings, OriginSettings, StorePlace, this_program};
use crate::servers::{Cassandra, Redis};

const ORIGINS: [&str; 3] = ["fra-1", "ams-1", "lon-1"];
const EDGES: [&str; 3] = ["par-1", "mad-1", "rom-1"];
/// How long an origin that leaves may take.
const LEFT_WITHIN: Duration = Duration::from_secs(4);
/// Seconds that it has to hand its rooms over.
const DRAIN_S: u32 = 10;
/// Seconds between two copies of who is here from Redis.
const BACKUP_S: u64 = 30;

/// Where it is written who is in the rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hot {
    /// Beside the rooms.
    Cassandra,
    /// In a Redis.
    Redis,
}

/// The running network; dropping it ends all processes.
pub(super) struct Network {
    // In the order in which they must go.
    pub(super) edges: Vec<Child>,
    origins: Vec<Child>,
    pub(super) cassandra: Cassandra,
    redis: Option<Redis>,
    /// Of access tokens.
    pub(super) secret: String,
    /// Ids of all rooms.
    rooms: Vec<String>,
    folder: TempDir,
}

impl Network {
    /// Starts it, and waits until everybody is linked to everybody.
    ///
    /// # Errors
    /// "not possible here" where a store cannot run; when a node does not start.
    pub(super) async fn start(participants: u32, hot: Hot) -> Result<Self> {
        let redis = match hot {
            Hot::Cassandra => None,
            Hot::Redis => Some(Redis::start().await?),
        };
        let cassandra = Cassandra::start().await?;
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let secret = format!("{:032x}", rand::rng().random::<u128>());
        let (edges, origins, rooms) = (Vec::new(), Vec::new(), Vec::new());
        let mut network = Self { edges, origins, cassandra, redis, secret, rooms, folder };
        for origin in ORIGINS {
            network.start_origin(origin).await?;
        }
        let first = network.origins.first().and_then(Child::mesh);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        for node in EDGES {
            let settings = EdgeSettings {
                node: node.into(),
                http: any,
                media: any,
                advertise: vec![Ipv4Addr::LOCALHOST.into()],
                place: None,
                origin: first,
                mesh: MeshSettings::default(),
                secret: Some(network.secret.clone()),
                workers: 1,
                participants,
                drain_s: 0,
            };
            let program = this_program()?;
            network.edges.push(settings.start(&program, network.folder.path()).await?);
        }
        network.linked().await?;
        Ok(network)
    }

    /// Starts an origin, again or for the first time.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) async fn start_origin(&mut self, node: &str) -> Result<()> {
        let starting = self.starting(node)?;
        self.started(starting).await
    }

    /// Begins to start an origin.
    ///
    /// # Errors
    /// When this binary cannot be found.
    pub(super) fn starting(&self, node: &str) -> Result<JoinHandle<Result<Child>>> {
        let durable = self.cassandra.config();
        let store = match &self.redis {
            Some(redis) => {
                let address = redis.address();
                StorePlace::CassandraRedis { durable, address, backup_s: BACKUP_S }
            }
            None => StorePlace::Cassandra(durable),
        };
        let settings = OriginSettings {
            node: node.into(),
            place: None,
            mesh: MeshSettings::default(),
            store,
            drain_s: DRAIN_S,
        };
        let (program, folder) = (this_program()?, self.folder.path().to_owned());
        Ok(tokio::spawn(async move { settings.start(&program, &folder).await }))
    }

    /// Waits until it has started.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn started(&mut self, starting: JoinHandle<Result<Child>>) -> Result<()> {
        self.origins.push(starting.await.context("an origin's start has failed")??);
        Ok(())
    }

    /// Makes a room, through one edge after the other.
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn make_room(&mut self, name: &str) -> Result<Room> {
        let edge = self.edges.get(self.rooms.len() % EDGES.len()).context("no edge")?;
        let room = Connection::open(edge.http()).await?.create_room(name).await?;
        self.rooms.push(room.room.clone());
        self.rooms.sort_unstable();
        Ok(room)
    }

    /// Lets origins leave and come again until every one has rooms: those of who leaves go to their standbys, which
    /// differ.
    ///
    /// # Errors
    /// When one does not leave, or does not start again.
    pub(super) async fn spread(&mut self) -> Result<()> {
        for _ in 0..ORIGINS.len() {
            let census = self.settled().await?.0;
            let full = census.with_rooms(true);
            let Some(fullest) = full
                .into_iter()
                .max_by(|one, other| census.of(one).rooms.total_cmp(&census.of(other).rooms))
            else {
                break;
            };
            if census.with_rooms(false).is_empty() {
                break;
            }
            let name = fullest.to_owned();
            self.ask_to_leave(&name)?;
            self.gone(&name).await?;
            self.start_origin(&name).await?;
            self.linked().await?;
        }
        Ok(())
    }

    /// Waits until every origin has a link to all the others and to all edges.
    ///
    /// # Errors
    /// When that takes too long.
    pub(super) async fn linked(&self) -> Result<()> {
        let others = (self.origins.len() - 1) as f64;
        let links = others + self.edges.len() as f64;
        for origin in &self.origins {
            wait(origin, "stoa_origin_origins", others).await?;
            wait(origin, "stoa_origin_links", links).await?;
        }
        Ok(())
    }

    /// Waits until all rooms have an owner with a ready standby; says who owns the room with the people.
    ///
    /// # Errors
    /// When that takes too long.
    pub(super) async fn settled(&self) -> Result<(Census, String)> {
        let began = Instant::now();
        let rooms = u32::try_from(self.rooms.len()).unwrap_or(u32::MAX);
        loop {
            let census = self.census().await?;
            if let Some(owner) = census.settled(rooms).map(ToOwned::to_owned) {
                return Ok((census, owner));
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "not every room has an owner with a standby: {census:?}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What all origins say of their rooms.
    ///
    /// # Errors
    /// When one does not answer.
    pub(super) async fn census(&self) -> Result<Census> {
        Census::take(&self.origins).await
    }

    /// Who holds the replica of the only room, which `owner` owns.
    ///
    /// # Errors
    /// When nobody does for too long.
    pub(super) async fn holder(&self, owner: &str) -> Result<String> {
        let began = Instant::now();
        loop {
            let census = self.census().await?;
            let mut holders = self.others(owner);
            // Counts are told once a second.
            holders.retain(|name| census.of(name).replicas > 0.5);
            if let [holder] = &holders[..] {
                return Ok(holder.clone());
            }
            ensure!(began.elapsed() < PATIENCE, "{} origins hold the room", holders.len());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until an origin holds so many replicas of others' rooms.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn replicas_of(&self, name: &str, replicas: f64) -> Result<f64> {
        wait(self.origin(name)?, "stoa_origin_replicas", replicas).await?;
        Ok(replicas)
    }

    /// Names of all origins but one.
    pub(super) fn others(&self, name: &str) -> Vec<String> {
        let names = self.origins.iter().map(Child::name).filter(|other| *other != name);
        names.map(ToOwned::to_owned).collect()
    }

    /// Each edge's list that does not hold exactly the rooms that there are, in words.
    ///
    /// # Errors
    /// When one does not answer.
    pub(super) async fn wrong_lists(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for edge in &self.edges {
            let before = lists_incomplete(edge).await?;
            let listed = listed(edge).await?;
            if listed != self.rooms {
                let incomplete = lists_incomplete(edge).await? - before;
                let (edge, rooms) = (edge.name(), &self.rooms);
                wrong.push(format!(
                    "{edge} lists {listed:?} instead of {rooms:?}, and knew of {incomplete} pages that it lacked"
                ));
            }
        }
        Ok(wrong)
    }

    fn origin(&self, name: &str) -> Result<&Child> {
        let origin = self.origins.iter().find(|origin| origin.name() == name);
        origin.with_context(|| format!("no origin {name}"))
    }

    fn remove(&mut self, name: &str) -> Result<Child> {
        let place = self.origins.iter().position(|origin| origin.name() == name);
        Ok(self.origins.remove(place.with_context(|| format!("no origin {name}"))?))
    }

    /// Kills an origin, as a power cut would.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn kill(&mut self, name: &str) -> Result<()> {
        self.remove(name).map(drop)
    }

    /// Stops all threads of an origin, while the kernel goes on taking packets for it.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn freeze(&self, name: &str) -> Result<()> {
        self.origin(name)?.signal(Signal::STOP)
    }

    /// Lets it go on, and waits until it has given its rooms up. Says how many rooms it has given up since it began,
    /// and how many of its writes the store has refused because of their epoch.
    ///
    /// # Errors
    /// When it keeps a room.
    pub(super) async fn thaw(&self, name: &str) -> Result<(f64, f64)> {
        let origin = self.origin(name)?;
        origin.signal(Signal::CONT)?;
        wait(origin, "stoa_origin_rooms", 0.0).await?;
        let counts = Page::read(origin.http()).await?;
        let given_up = counts.sum("stoa_origin_rooms_given_up_total", "").unwrap_or(0.0);
        let fenced = counts.sum("stoa_origin_store_journal_dropped_total", "reason=\"fenced\"");
        Ok((given_up, fenced.unwrap_or(0.0)))
    }

    /// Asks an origin to leave.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn ask_to_leave(&self, name: &str) -> Result<()> {
        self.origin(name)?.ask_to_end();
        Ok(())
    }

    /// Waits until an origin has left.
    ///
    /// # Errors
    /// When there is none, or it stays.
    pub(super) async fn gone(&mut self, name: &str) -> Result<()> {
        let (origin, began) = (self.remove(name)?, Instant::now());
        origin.ended().await;
        ensure!(began.elapsed() < LEFT_WITHIN, "the origin did not leave though its rooms could");
        Ok(())
    }

    /// Waits until others than `gone` have taken as many rooms since `before` as were there to be taken; says how many
    /// they have.
    ///
    /// # Errors
    /// When one does not answer.
    pub(super) async fn taken_since(
        &self,
        before: &Census,
        gone: &[String],
        expected: f64,
    ) -> Result<f64> {
        let began = Instant::now();
        loop {
            let taken = self.census().await?.without(gone).taken - before.without(gone).taken;
            // Counts are told once a second.
            if taken + 0.5 > expected || began.elapsed() > PATIENCE {
                return Ok(taken);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn lists_incomplete(edge: &Child) -> Result<f64> {
    let incomplete = Page::read(edge.http()).await?.sum("stoa_edge_list_pages_missing_total", "");
    Ok(incomplete.unwrap_or(0.0))
}
