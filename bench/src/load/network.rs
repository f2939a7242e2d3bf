//! An origin with a chosen store, and edges that reach it over loopback: a network without distances.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::RngExt as _;
use tempfile::TempDir;

use crate::demo::Page;
use crate::node::{Child, EdgeSettings, MeshSettings, OriginSettings, StorePlace, this_program};

/// How often it is looked whether everything is stored.
const LOOK: Duration = Duration::from_millis(20);

/// The running network; dropping it ends all processes.
#[derive(Debug)]
pub(super) struct Network {
    // In the order in which they must go.
    pub(super) edges: Vec<Child>,
    pub(super) origin: Child,
    /// Of access tokens.
    pub(super) secret: String,
    _folder: TempDir,
}

impl Network {
    /// Starts it; each edge for that many `participants`.
    ///
    /// # Errors
    /// When a node does not start.
    pub(super) async fn start(
        store: StorePlace,
        edges: &[&str],
        participants: u32,
        workers: usize,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let program = this_program()?;
        let origin = OriginSettings {
            node: "origin-1".into(),
            place: None,
            mesh: MeshSettings::default(),
            store,
            drain_s: 0,
        };
        let origin = origin.start(&program, folder.path()).await?;
        let mesh = origin.mesh().context("the origin does not say where it takes links")?;
        let secret = format!("{:032x}", rand::rng().random::<u128>());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut started = Vec::new();
        for node in edges {
            let settings = EdgeSettings {
                node: (*node).into(),
                http: any,
                media: any,
                advertise: vec![Ipv4Addr::LOCALHOST.into()],
                place: None,
                origin: Some(mesh),
                mesh: MeshSettings::default(),
                secret: Some(secret.clone()),
                workers,
                participants,
                drain_s: 0,
            };
            started.push(settings.start(&program, folder.path()).await?);
        }
        Ok(Self { edges: started, origin, secret, _folder: folder })
    }

    /// What the origin counts.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn counts(&self) -> Result<Page> {
        Page::read(self.origin.http()).await
    }

    /// Operations of its stores so far.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn store_operations(&self) -> Result<f64> {
        let counts = self.counts().await?;
        Ok(counts.sum("stoa_origin_store_operations_total", "").unwrap_or(0.0))
    }

    /// Writes that wait for a store now.
    ///
    /// # Errors
    /// When the origin does not answer.
    pub(super) async fn journal(&self) -> Result<f64> {
        Ok(self.counts().await?.sum("stoa_origin_store_journal_length", "").unwrap_or(0.0))
    }

    /// Waits until nothing waits for a store any more.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub(super) async fn settle(&self, limit: Duration) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let waiting = self.journal().await?;
            if waiting == 0.0 {
                return Ok(began.elapsed());
            }
            ensure!(began.elapsed() < limit, "{waiting} writes still wait after {limit:?}");
            tokio::time::sleep(LOOK).await;
        }
    }
}
