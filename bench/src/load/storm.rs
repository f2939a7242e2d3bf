//! `bench join-storm`: as many joins as an edge takes, while others listen and must not notice.
//!
//! Established listeners and newcomers are two swarms, each with its own thread and sockets, so that
//! the newcomers' handshakes do not delay how the established ones are read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::crowd::Crowd;
use super::joining::{self, DRAIN, FRAMES_PER_SECOND, SETTLE, Scene, reach, read};
use super::report::Reading;
use super::storm_report::{Report, Run};
use super::swarm::Swarm;
use crate::measure::machine;
use crate::node::{self, Child};
use crate::screen::{self, bar};

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
    /// Length of the packets that listeners ask for
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=120))]
    packet_ms: u32,
    /// Media threads of the edge; 0 for one per core but one, which this generator needs
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    edge_workers: u8,
    /// Write the figures to this file, as JSON; without a name, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
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
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    node::raise_descriptor_limit(1_024 + u64::from(arguments.joins_at_once))?;
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let participants = arguments.joins + arguments.established + 16;
    let workers = joining::edge_workers(arguments.edge_workers);
    let edge = node::standalone_edge(folder.path(), participants, workers).await?;
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &edge) => report?,
        _ = stopped => bail!("stopped"),
    };
    // Its listeners are still there: nobody waits for them to go.
    drop(edge);
    if !output.is_standard_output() {
        print!("{}", report.text());
    }
    output.write(&report)?;
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
    let scene = Scene::open(edge, "Storm", arguments.packet_ms).await?;
    let (speaker, session) = scene.speak().await?;
    let age = Duration::from_millis(u64::from(scene.packet_ms));
    let swarm = |clients| Swarm::spawn(clients, SOCKETS, scene.epoch, age).map(Arc::new);
    let (established, newcomers) = (swarm(arguments.established)?, swarm(arguments.joins)?);
    let (at_once, quiet) = (arguments.joins_at_once, arguments.quiet);

    let gathering = bar(quiet, u64::from(arguments.established), "gathering");
    let crowd = Crowd::open(&scene, &established, arguments.established, at_once).await?;
    let gathered = crowd.join(&speaker, &gathering).await?;
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
    let storm = crowd.join(&speaker, &storming).await?;
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

/// What the edge uses when nobody joins and everybody listens.
async fn rest(edge: &Child) -> Result<[Reading; 2]> {
    let begin = read(edge)?;
    tokio::time::sleep(SETTLE).await;
    Ok([begin, read(edge)?])
}
