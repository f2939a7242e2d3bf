//! Three origins on one Cassandra, each a failure domain of its own, and three edges that are told of one of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::{Method, StatusCode};
use rand::RngExt as _;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::demo::Page;
use crate::load::http::Connection;
use crate::node::{Child, EdgeSettings, OriginSettings, StorePlace, this_program};
use crate::servers::Cassandra;

const ORIGINS: [&str; 3] = ["fra-1", "ams-1", "lon-1"];
const EDGES: [&str; 3] = ["par-1", "mad-1", "rom-1"];
const LOOK: Duration = Duration::from_millis(20);
/// How long an origin that leaves may take.
const LEFT_WITHIN: Duration = Duration::from_secs(4);
/// Seconds that it has to hand its rooms over.
const DRAIN_S: u32 = 10;
/// How long origins may take to find each other, and a room its standby.
const PATIENCE: Duration = Duration::from_secs(20);

/// The running network; dropping it ends all processes.
pub(super) struct Network {
    // In the order in which they must go.
    pub(super) edges: Vec<Child>,
    origins: Vec<Child>,
    pub(super) cassandra: Cassandra,
    /// Of access tokens.
    pub(super) secret: String,
    folder: TempDir,
}

impl Network {
    /// Starts it, and waits until everybody is linked to everybody.
    ///
    /// # Errors
    /// "not possible here" where Cassandra cannot run; when a node does not start.
    pub(super) async fn start(participants: u32) -> Result<Self> {
        let cassandra = Cassandra::start().await?;
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let secret = format!("{:032x}", rand::rng().random::<u128>());
        let mut network =
            Self { edges: Vec::new(), origins: Vec::new(), cassandra, secret, folder };
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
        let store = StorePlace::Cassandra(self.cassandra.config());
        let settings = OriginSettings { node: node.into(), place: None, store, drain_s: DRAIN_S };
        let origin = settings.start(&this_program()?, self.folder.path()).await?;
        self.origins.push(origin);
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
            self.wait(origin, "stoa_origin_origins", others).await?;
            self.wait(origin, "stoa_origin_links", links).await?;
        }
        Ok(())
    }

    /// Waits until the one room has an owner with a ready standby; says who the owner is.
    ///
    /// # Errors
    /// When that takes too long.
    pub(super) async fn owner(&self) -> Result<usize> {
        let began = Instant::now();
        loop {
            for (place, origin) in self.origins.iter().enumerate() {
                if let Ok(counts) = counts(origin).await
                    && counts.sum("stoa_origin_rooms", "") == Some(1.0)
                    && counts.sum("stoa_origin_rooms_with_standby", "") == Some(1.0)
                {
                    return Ok(place);
                }
            }
            ensure!(began.elapsed() < PATIENCE, "no origin owns the room and has a standby for it");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What an origin is called.
    pub(super) fn name_of(&self, origin: usize) -> String {
        self.origins.get(origin).map(|origin| origin.name().to_owned()).unwrap_or_default()
    }

    /// Kills an origin, as a power cut would.
    pub(super) fn kill(&mut self, origin: usize) {
        drop(self.origins.remove(origin));
    }

    /// Stops all threads of an origin, while the kernel goes on taking packets for it.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn freeze(&self, origin: usize) -> Result<()> {
        self.origins.get(origin).context("no such origin")?.signal(Signal::STOP)
    }

    /// Lets it go on, and waits until it has given its rooms up. Says how many rooms it has given up since it began,
    /// and how many of its writes the store has refused because of their epoch.
    ///
    /// # Errors
    /// When it keeps a room.
    pub(super) async fn thaw(&self, origin: usize) -> Result<(f64, f64)> {
        let origin = self.origins.get(origin).context("no such origin")?;
        origin.signal(Signal::CONT)?;
        self.wait(origin, "stoa_origin_rooms", 0.0).await?;
        let counts = counts(origin).await?;
        let given_up = counts.sum("stoa_origin_rooms_given_up_total", "").unwrap_or(0.0);
        let fenced = counts.sum("stoa_origin_store_journal_dropped_total", "reason=\"fenced\"");
        Ok((given_up, fenced.unwrap_or(0.0)))
    }

    /// Asks an origin to leave.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn ask_to_leave(&self, origin: usize) -> Result<()> {
        self.origins.get(origin).context("no such origin")?.ask_to_end();
        Ok(())
    }

    /// Waits until an origin has left.
    ///
    /// # Errors
    /// When there is none, or it stays.
    pub(super) async fn gone(&mut self, origin: usize) -> Result<()> {
        ensure!(origin < self.origins.len(), "no such origin");
        let (origin, began) = (self.origins.remove(origin), Instant::now());
        origin.ended().await;
        ensure!(began.elapsed() < LEFT_WITHIN, "the origin did not leave though its rooms could");
        Ok(())
    }

    /// Rooms that origins but this one have taken from others.
    ///
    /// # Errors
    /// When one does not answer.
    pub(super) async fn taken_by_others(&self, name: &str) -> Result<f64> {
        let mut taken = 0.0;
        for origin in self.origins.iter().filter(|origin| origin.name() != name) {
            let counts = counts(origin).await?;
            taken += counts.sum("stoa_origin_rooms_taken_total", "").unwrap_or(0.0);
        }
        Ok(taken)
    }

    /// How many more they have taken since there were `before`: one, unless it takes too long.
    ///
    /// # Errors
    /// When one does not answer.
    pub(super) async fn taken_since(&self, name: &str, before: f64) -> Result<f64> {
        let began = Instant::now();
        loop {
            let taken = self.taken_by_others(name).await? - before;
            // Counts are told once a second.
            if taken > 0.0 || began.elapsed() > PATIENCE {
                return Ok(taken);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn wait(&self, origin: &Child, metric: &str, value: f64) -> Result<()> {
        let began = Instant::now();
        loop {
            let found = counts(origin).await?.sum(metric, "").unwrap_or(0.0);
            if (found - value).abs() < 0.5 {
                return Ok(());
            }
            let name = origin.name();
            ensure!(began.elapsed() < PATIENCE, "{metric} of {name} is {found}, not {value}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn counts(origin: &Child) -> Result<Page> {
    let mut http = Connection::open(origin.http()).await?;
    let answer = http.send(Method::GET, "/metrics", None, None).await?;
    Ok(Page::new(answer.expect(StatusCode::OK, "/metrics")?.to_owned()))
}
