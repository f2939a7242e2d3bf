//! Keeps the lease of this origin, and tells its rooms who else is alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use rand::RngExt;
use stoa_protocol::ids::NodeId;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::tenure::{LiveOrigin, Tidings};
use crate::keeping;
use crate::store::{Answer, Holder, Home, LEASE_LIFE, Operation, StoreError, Stores};

/// How often the lease is renewed: three tries in the time that it holds.
pub const LEASE_RENEWED_EVERY: Duration = Duration::from_millis(500);

/// So much earlier than the store this origin takes its lease for over.
const MARGIN: Duration = Duration::from_millis(300);

/// How long a starting origin waits until the lease of its former run has run out.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Pause between two tries to take the lease.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Keeps a lease.
#[derive(Debug)]
pub struct Keeper {
    stores: Arc<Stores>,
    node: NodeId,
    holder: Holder,
    home: Home,
    /// Until when the lease that was taken holds.
    until: Instant,
    /// Whether the lease has run out, and rooms may have gone to others.
    lost: bool,
}

impl Keeper {
    /// Takes the lease of `node`, as soon as that of its former run has run out.
    ///
    /// # Errors
    /// When it is not to be had within half a minute.
    pub async fn take(stores: Arc<Stores>, node: NodeId, home: Home) -> anyhow::Result<Self> {
        let holder = Holder(rand::rng().random());
        let began = Instant::now();
        let mut told = false;
        loop {
            let asked = Instant::now();
            let keeper = Self {
                stores: stores.clone(),
                node: node.clone(),
                holder,
                home: home.clone(),
                until: asked + LEASE_LIFE - MARGIN,
                lost: false,
            };
            let refused = match keeper.acquire().await {
                Ok(()) => return Ok(keeper),
                Err(error) => error,
            };
            if began.elapsed() > TAKEN_WITHIN {
                bail!(
                    "origin '{node}' cannot take its lease ({refused}); does another process run \
                     under this name, or is the store away?"
                );
            }
            if !std::mem::replace(&mut told, true) {
                tracing::info!(%refused, "waiting for the lease of this origin");
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Until when the lease holds that was taken.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Renews the lease and tells what is new, until nobody listens any more; then gives it back.
    pub async fn run(
        mut self,
        tidings: mpsc::Sender<Tidings>,
        neighbours: watch::Sender<Vec<LiveOrigin>>,
    ) {
        let mut tick = tokio::time::interval(LEASE_RENEWED_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tidings.closed() => break,
                _ = tick.tick() => {}
            }
            let told = self.look().await;
            if let Some(live) = &told.live {
                neighbours.send_if_modified(|before| {
                    let changed = before != live;
                    before.clone_from(live);
                    changed
                });
            }
            if tidings.send(told).await.is_err() {
                break;
            }
        }
        let release = Operation::Release { node: self.node.clone(), holder: self.holder };
        // If that fails it runs out.
        let _ = self.stores.ask(release).await;
    }

    async fn look(&mut self) -> Tidings {
        let asked = Instant::now();
        let mut held = match self.renew().await {
            Ok(()) => true,
            Err(StoreError::Conflict { .. }) => {
                if !std::mem::replace(&mut self.lost, true) {
                    tracing::warn!(node = %self.node, "the lease has run out");
                }
                self.acquire().await.is_ok()
            }
            Err(error) => {
                tracing::debug!(%error, "the lease could not be renewed");
                false
            }
        };
        let mut records = None;
        if held && self.lost {
            records = keeping::records(&self.stores).await.ok();
            held = records.is_some();
            self.lost = !held;
        }
        let until = held.then(|| asked + LEASE_LIFE - MARGIN);
        Tidings { until, live: self.live().await, records }
    }

    async fn acquire(&self) -> Result<(), StoreError> {
        self.stores
            .ask(Operation::Acquire {
                node: self.node.clone(),
                holder: self.holder,
                home: self.home.clone(),
                life_ms: life_ms(),
            })
            .await
            .map(|_| ())
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let (node, holder) = (self.node.clone(), self.holder);
        self.stores.ask(Operation::Renew { node, holder, life_ms: life_ms() }).await.map(|_| ())
    }

    async fn live(&self) -> Option<Vec<LiveOrigin>> {
        let Ok(Answer::Leases(leases)) = self.stores.ask(Operation::Leases).await else {
            return None;
        };
        let live =
            leases.into_iter().map(|lease| LiveOrigin { node: lease.node, home: lease.home });
        Some(live.collect())
    }
}

fn life_ms() -> u64 {
    u64::try_from(LEASE_LIFE.as_millis()).unwrap_or(u64::MAX)
}
