//! Many listeners who join, so many at a time, until each hears or has failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::ProgressBar;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::joining::{Door, PATIENCE, Scene, check};
use super::speaker::Speaker;
use super::swarm::Swarm;

/// How often newcomers are counted: a join that has ended lets the next one begin.
const LOOK: Duration = Duration::from_millis(1);

/// What came of many joins.
#[derive(Debug)]
pub(super) struct Joined {
    /// Listeners who hear.
    pub(super) heard: u64,
    /// Those whose request came to nothing.
    pub(super) refused: u64,
    /// Those who were let in and then not connected.
    pub(super) failed: u64,
    /// From the first request to the last first audio.
    pub(super) took: Duration,
}

/// Who is to join, at doors that are open already.
pub(super) struct Crowd {
    swarm: Arc<Swarm>,
    count: u32,
    doors: Vec<Door>,
}

impl Crowd {
    /// All `count` clients of `swarm`, `at_once` at a time.
    ///
    /// # Errors
    /// When the edge takes no connection.
    pub(super) async fn open(
        scene: &Scene,
        swarm: &Arc<Swarm>,
        count: u32,
        at_once: u32,
    ) -> Result<Self> {
        let mut doors = Vec::new();
        for _ in 0..at_once.min(count) {
            doors.push(scene.door(swarm).await?);
        }
        Ok(Self { swarm: Arc::clone(swarm), count, doors })
    }

    /// Lets all of them join, and waits until each hears or has failed.
    ///
    /// # Errors
    /// When the speaker has ended.
    pub(super) async fn join(self, speaker: &Speaker, bar: &ProgressBar) -> Result<Joined> {
        let Self { swarm, count, doors } = self;
        let wanted = u64::from(count);
        let queue = Arc::new(Queue {
            next: AtomicU32::new(0),
            count,
            refused: AtomicU64::new(0),
            places: Semaphore::new(0),
        });
        let began = Instant::now();
        queue.places.add_permits(doors.len());
        let mut workers = JoinSet::new();
        for door in doors {
            workers.spawn(Arc::clone(&queue).serve(door));
        }
        let (mut ended, mut moved_at, mut heard, mut heard_at) = (0, began, 0, began);
        while ended < wanted && moved_at.elapsed() < PATIENCE {
            check(speaker)?;
            tokio::time::sleep(LOOK).await;
            let hearing = swarm.gauges.hearing.load(Ordering::Relaxed);
            let now_ended = hearing
                + swarm.gauges.failed.load(Ordering::Relaxed)
                + queue.refused.load(Ordering::Relaxed);
            if now_ended > ended {
                queue.places.add_permits(usize::try_from(now_ended - ended).unwrap_or(0));
                (ended, moved_at) = (now_ended, Instant::now());
            }
            if hearing > heard {
                (heard, heard_at) = (hearing, Instant::now());
            }
            bar.set_position(ended);
        }
        // Requests that are never answered end here, and with them their hold on the swarm.
        workers.shutdown().await;
        let refused = queue.refused.load(Ordering::Relaxed);
        let failed = swarm.gauges.failed.load(Ordering::Relaxed);
        Ok(Joined { heard, refused, failed, took: heard_at - began })
    }
}

/// Clients that wait to join.
struct Queue {
    next: AtomicU32,
    count: u32,
    /// Clients whose request came to nothing.
    refused: AtomicU64,
    /// One for each join that may be under way; given back by whoever sees it end.
    places: Semaphore,
}

impl Queue {
    /// Lets one client after another in through `door`.
    async fn serve(self: Arc<Self>, mut door: Door) {
        while let Ok(place) = self.places.acquire().await {
            place.forget();
            let client = self.next.fetch_add(1, Ordering::Relaxed);
            if client >= self.count {
                return;
            }
            if let Err(error) = door.join(client).await {
                tracing::debug!(error = format!("{error:#}"), client, "a join was refused");
                self.refused.fetch_add(1, Ordering::Relaxed);
                // The connection may have gone with it; without another this door is closed.
                if door.reopen().await.is_err() {
                    return;
                }
            }
        }
    }
}
