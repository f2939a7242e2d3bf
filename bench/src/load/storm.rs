//! `bench join-storm`: as many joins as an edge takes, while others listen and must not notice.
//!
//! Established listeners and newcomers are two swarms, each with its own thread and sockets, so that
//! the newcomers' handshakes do not delay how the established ones are read.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::joining::{
    DRAIN, Door, FRAMES_PER_SECOND, PATIENCE, SETTLE, Scene, bar, check, create, reach, read,
};
use super::report::Reading;
use super::speaker::Speaker;
use super::storm_report::{Report, Run};
use super::swarm::Swarm;
use crate::measure::machine;
use crate::node::{self, Child};

/// Joins of one run.
const JOINS_MAX: u32 = 100_000;
/// UDP sockets that each swarm shares.
const SOCKETS: u32 = 8;
/// How often newcomers are counted: a join that has ended lets the next one begin.
const LOOK: Duration = Duration::from_millis(1);
/// Frames between setting the window and its end, so that it is known before its last frame is under way.
const AHEAD: u32 = FRAMES_PER_SECOND / 5;

/// Lets many listeners join at once and measures what it costs, and what others notice of it.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many listeners join
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(JOINS_MAX)))]
    joins: u32,
    /// How many listen already
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=i64::from(JOINS_MAX)))]
    established: u32,
    /// Joins under way at once, each from its request to its first audio
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    joins_at_once: u32,
    /// Media threads of the edge; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    edge_workers: u8,
    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

/// Runs it all.
///
/// # Errors
/// When the edge does not start, an established listener does not hear, or a join failed.
pub async fn run(arguments: Arguments) -> Result<()> {
    let file = arguments.json.as_deref().map(create).transpose()?;
    node::raise_descriptor_limit(1_024 + u64::from(arguments.joins_at_once))?;
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let participants = arguments.joins + arguments.established + 16;
    let workers = usize::from(arguments.edge_workers);
    let edge = node::standalone_edge(folder.path(), participants, workers).await?;
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &edge) => report?,
        _ = stopped => bail!("stopped"),
    };
    // Its listeners are still there: nobody waits for them to go.
    drop(edge);
    print!("{}", report.text());
    if let Some(mut file) = file {
        let text = serde_json::to_string_pretty(&report).context("no JSON")?;
        writeln!(file, "{text}").context("cannot write the figures")?;
    }
    ensure!(
        report.failed_joins == 0,
        "{} of {} joins failed; the edge's log stands above (STOA_LOG=debug says more)",
        report.failed_joins,
        report.joins
    );
    ensure!(
        report.established_lost_packets == 0,
        "established listeners lost {} of {} packets",
        report.established_lost_packets,
        report.established_expected_packets
    );
    Ok(())
}

async fn measure(arguments: &Arguments, edge: &Child) -> Result<Report> {
    let scene = Scene::open(edge, "Storm").await?;
    let (speaker, session) = scene.speak().await?;
    let established = Arc::new(Swarm::spawn(arguments.established, SOCKETS, scene.epoch)?);
    let newcomers = Arc::new(Swarm::spawn(arguments.joins, SOCKETS, scene.epoch)?);
    let (at_once, quiet) = (arguments.joins_at_once, arguments.quiet);

    let gathering = bar(quiet, u64::from(arguments.established), "gathering");
    let crowd = Crowd::open(&scene, &established, arguments.established, at_once).await?;
    let gathered = join(crowd, &speaker, &gathering).await?;
    gathering.finish_and_clear();
    ensure!(
        gathered.refused + gathered.failed == 0 && gathered.heard > 0,
        "{} of {} listeners hear; nobody can be disturbed who is not there",
        gathered.heard,
        arguments.established
    );
    let crowd = Crowd::open(&scene, &newcomers, arguments.joins, at_once).await?;
    tokio::time::sleep(SETTLE).await;

    let begin = speaker.sent() + AHEAD;
    established.window.set(begin..u32::MAX);
    reach(&speaker, begin, LOOK).await?;
    let (before, busy) = (read(edge)?, machine::busy());
    let storming = bar(quiet, u64::from(arguments.joins), "joining");
    let storm = join(crowd, &speaker, &storming).await?;
    let (after, busy) = (read(edge)?, machine::busy().saturating_sub(busy));
    storming.finish_and_clear();
    let end = speaker.sent() + AHEAD;
    established.window.set(begin..end);
    reach(&speaker, end, LOOK).await?;
    tokio::time::sleep(DRAIN).await;
    let steady = rest(edge).await?;

    let media = edge.media().map_or(0, |media| machine::udp_drops(media.port()));
    let dropped = [established.places.drops() + newcomers.places.drops(), media];
    scene.hush(speaker, &session).await?;
    let established =
        Arc::into_inner(established).context("a join is still under way")?.finish()?;
    let newcomers = Arc::into_inner(newcomers).context("a join is still under way")?.finish()?;
    Ok(Report::new(&Run {
        joins: u64::from(arguments.joins),
        heard: storm.heard,
        refused: storm.refused,
        took: storm.took,
        storm: [before, after],
        busy,
        steady,
        sent_frames: u64::from(end - begin),
        listeners: u64::from(arguments.established),
        established,
        newcomers,
        dropped,
    }))
}

/// What came of many joins.
#[derive(Debug)]
struct Joined {
    /// Listeners who hear.
    heard: u64,
    /// Those whose request came to nothing.
    refused: u64,
    /// Those who were let in and then not connected.
    failed: u64,
    /// From the first request to the last first audio.
    took: Duration,
}

/// Who is to join, at doors that are open already.
struct Crowd {
    swarm: Arc<Swarm>,
    count: u32,
    doors: Vec<Door>,
}

impl Crowd {
    /// All clients of `swarm`, `at_once` at a time.
    async fn open(scene: &Scene, swarm: &Arc<Swarm>, count: u32, at_once: u32) -> Result<Self> {
        let mut doors = Vec::new();
        for _ in 0..at_once.min(count) {
            doors.push(scene.door(swarm).await?);
        }
        Ok(Self { swarm: Arc::clone(swarm), count, doors })
    }
}

/// Lets all of a crowd join, and waits until each hears or has failed.
async fn join(crowd: Crowd, speaker: &Speaker, bar: &ProgressBar) -> Result<Joined> {
    let Crowd { swarm, count, doors } = crowd;
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

/// What the edge uses when nobody joins and everybody listens.
async fn rest(edge: &Child) -> Result<[Reading; 2]> {
    let begin = read(edge)?;
    tokio::time::sleep(SETTLE).await;
    Ok([begin, read(edge)?])
}
