//! `bench listen`: many real listeners against a real edge process.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;

use super::joining::{
    DRAIN, Door, FRAMES_PER_SECOND, LOOK, PATIENCE, SETTLE, Scene, bar, check, create, reach, read,
};
use super::report::{Reading, Report, Run};
use super::speaker::Speaker;
use super::swarm::Swarm;
use crate::measure::machine;
use crate::node::{self, Child};

/// Listeners of one run.
const LISTENERS_MAX: u32 = 100_000;

/// Puts many real listeners on a real edge and measures what arrives and what it costs.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many listeners
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(LISTENERS_MAX)))]
    listeners: u32,
    /// For how long to measure once all of them hear
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Joins under way at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=512))]
    joins_at_once: u32,
    /// Media threads of the edge; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    edge_workers: u8,
    /// UDP sockets that the listeners share
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    sockets: u32,
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
/// When the edge does not start, refuses, or a listener does not hear.
pub async fn run(arguments: Arguments) -> Result<()> {
    let file = arguments.json.as_deref().map(create).transpose()?;
    node::raise_descriptor_limit(1_024 + u64::from(arguments.joins_at_once))?;
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let workers = usize::from(arguments.edge_workers);
    let edge = node::standalone_edge(folder.path(), arguments.listeners + 16, workers).await?;
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
        report.listeners_failed == 0,
        "{} of {} listeners failed; the edge's log stands above (STOA_LOG=debug says more)",
        report.listeners_failed,
        report.listeners_asked
    );
    Ok(())
}

async fn measure(arguments: &Arguments, edge: &Child) -> Result<Report> {
    let scene = Scene::open(edge, "Load").await?;
    let (speaker, session) = scene.speak().await?;
    let swarm = Arc::new(Swarm::spawn(arguments.listeners, arguments.sockets, scene.epoch)?);

    let before_joins = read(edge)?;
    let bar = bar(arguments.quiet, u64::from(arguments.listeners), "joining");
    join_all(arguments, &scene, &swarm, &bar).await?;
    let (listeners, failed) = wait_for_all(arguments, &swarm, &speaker, &bar).await?;
    let after_joins = read(edge)?;
    bar.finish_and_clear();

    tokio::time::sleep(SETTLE).await;
    let (window, sent_frames) = count(arguments, edge, &swarm, &speaker).await?;
    let failed = failed.max(swarm.gauges.failed.load(Ordering::Relaxed));
    let media = edge.media().map_or(0, |media| machine::udp_drops(media.port()));
    let dropped = [swarm.places.drops(), media];
    scene.hush(speaker, &session).await?;
    let swarm = Arc::into_inner(swarm).context("a join is still under way")?;
    let tally = swarm.finish()?;
    let asked = u64::from(arguments.listeners);
    Ok(Report::new(&Run {
        asked,
        listeners,
        failed,
        sent_frames,
        before_joins,
        after_joins,
        window,
        tally,
        dropped,
    }))
}

/// Sends all listeners' offers and hands their handshakes to the swarm.
async fn join_all(
    arguments: &Arguments,
    scene: &Scene,
    swarm: &Arc<Swarm>,
    bar: &ProgressBar,
) -> Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..arguments.joins_at_once.min(arguments.listeners) {
        let door = scene.door(swarm).await?;
        workers.spawn(join_next(door, Arc::clone(&next), arguments.listeners));
    }
    while let Some(ended) = workers.join_next().await {
        ended.context("a join failed")??;
        bar.set_position(swarm.gauges.hearing.load(Ordering::Relaxed));
    }
    Ok(())
}

/// Lets one listener after another in through one door.
async fn join_next(mut door: Door, next: Arc<AtomicU32>, count: u32) -> Result<()> {
    loop {
        let client = next.fetch_add(1, Ordering::Relaxed);
        if client >= count {
            return Ok(());
        }
        door.join(client).await?;
        // Others of this thread get their turn between two listeners.
        tokio::task::yield_now().await;
    }
}

/// Waits until every listener hears or has failed; returns both counts.
async fn wait_for_all(
    arguments: &Arguments,
    swarm: &Swarm,
    speaker: &Speaker,
    bar: &ProgressBar,
) -> Result<(u64, u64)> {
    let wanted = u64::from(arguments.listeners);
    let began = Instant::now();
    loop {
        let hearing = swarm.gauges.hearing.load(Ordering::Relaxed);
        let failed = swarm.gauges.failed.load(Ordering::Relaxed);
        bar.set_position(hearing);
        if hearing + failed >= wanted {
            ensure!(hearing > 0, "none of the {wanted} listeners was connected");
            return Ok((hearing, failed));
        }
        check(speaker)?;
        ensure!(
            began.elapsed() < PATIENCE,
            "{hearing} of {wanted} listeners hear, {} are connected, {failed} failed; waited {PATIENCE:?}",
            swarm.gauges.connected.load(Ordering::Relaxed)
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Opens the window, waits, and closes it; returns the readings at both ends and the frames sent in it.
async fn count(
    arguments: &Arguments,
    edge: &Child,
    swarm: &Swarm,
    speaker: &Speaker,
) -> Result<([Reading; 2], u64)> {
    // A little ahead, so that no frame of the window is under way before it is set.
    let begin = speaker.sent() + FRAMES_PER_SECOND / 5;
    let end = begin + arguments.seconds * FRAMES_PER_SECOND;
    swarm.window.set(begin..end);
    reach(speaker, begin, Duration::from_millis(1)).await?;
    let at_begin = read(edge)?;
    let bar = bar(arguments.quiet, u64::from(end - begin), "measuring");
    while speaker.sent() < end {
        check(speaker)?;
        bar.set_position(u64::from(speaker.sent().saturating_sub(begin)));
        tokio::time::sleep(LOOK).await;
    }
    let at_end = read(edge)?;
    bar.finish_and_clear();
    tokio::time::sleep(DRAIN).await;
    Ok(([at_begin, at_end], u64::from(end - begin)))
}
