//! `bench listen`: many real listeners against a real edge process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use stoa_edge::media::PacketLength;
use stoa_edge::media::kernel::Socket;

use super::crowd::Crowd;
use super::joining::{self, DRAIN, FRAMES_PER_SECOND, LOOK, SETTLE, Scene, check, reach, read};
use super::overload::starve;
use super::report::{Overload, Reading, Report, Run};
use super::speaker::Speaker;
use super::stamp;
use super::swarm::Swarm;
use crate::measure::floor::{median, with_floor};
use crate::measure::machine;
use crate::node::{self, Child};
use crate::screen::{self, bar};

/// How often the floor is measured before a run, and the time between.
const FLOOR_PASSES: u64 = 25;
const FLOOR_PAUSE: Duration = Duration::from_millis(60);
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
    /// Length of the packets that listeners ask for
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=120))]
    packet_ms: u32,
    /// How long the speaker pauses first, to measure what idle listeners cost
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    idle_seconds: u32,
    /// Once all hear, leave the edge this share of the CPU time that it takes, and measure when it has sent enough
    /// listeners away (Linux, as root)
    #[arg(long, value_name = "SHARE", value_parser = share)]
    starve: Option<f64>,
    /// Joins under way at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=512))]
    joins_at_once: u32,
    /// Media threads of the edge; 0 for one per core but one, which this generator needs
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    edge_workers: u8,
    /// UDP sockets that the listeners share
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    sockets: u32,
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
/// When the edge does not start, refuses, or a listener does not hear.
pub async fn run(arguments: Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    node::raise_descriptor_limit(1_024 + u64::from(arguments.joins_at_once))?;
    let folder = tempfile::tempdir().context("no temporary directory")?;
    let workers = joining::edge_workers(arguments.edge_workers);
    let edge = node::standalone_edge(folder.path(), arguments.listeners + 16, workers).await?;
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
        report.listeners_failed == 0,
        "{} of {} listeners failed; the edge's log stands above (STOA_LOG=debug says more)",
        report.listeners_failed,
        report.listeners_asked
    );
    Ok(())
}

async fn measure(arguments: &Arguments, edge: &Child) -> Result<Report> {
    let length = PacketLength::at_most(arguments.packet_ms);
    let scene = Scene::open(edge, "Load", length.ms()).await?;
    let (speaker, session) = scene.speak().await?;
    let age = Duration::from_millis(u64::from(length.ms()));
    let swarm = Swarm::spawn(arguments.listeners, arguments.sockets, scene.epoch, age)?;
    let swarm = Arc::new(swarm);
    let floor = floor(arguments, &swarm, length)?;

    let before_joins = read(edge)?;
    let bar = bar(arguments.quiet, u64::from(arguments.listeners), "joining");
    let (count, at_once) = (arguments.listeners, arguments.joins_at_once);
    let crowd = Crowd::open(&scene, &swarm, count, at_once).await?;
    let joined = crowd.join(&speaker, &bar).await?;
    ensure!(joined.heard > 0, "none of the {count} listeners heard anything");
    let after_joins = read(edge)?;
    bar.finish_and_clear();

    let idle = idle(arguments, edge, &speaker).await?;
    tokio::time::sleep(SETTLE).await;
    let starved = match arguments.starve {
        Some(share) => Some(starve(share, arguments.quiet, edge, &swarm, &speaker).await?),
        None => None,
    };
    let (window, sent_frames) = listen(arguments, edge, &swarm, &speaker).await?;
    let lost = swarm.gauges.failed.load(Ordering::Relaxed);
    let sent_away = swarm.gauges.sent_away.load(Ordering::Relaxed);
    let listeners = joined.heard - (lost - joined.failed) - sent_away;
    let failed = joined.refused + lost;
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
        overload: starved.map(|(overload, _quota)| Overload { sent_away, ..overload }),
        sent_frames,
        packet_ms: length.ms(),
        floor,
        before_joins,
        after_joins,
        idle,
        window,
        tally,
        dropped,
    }))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.05..1.0).contains(share));
    share.ok_or_else(|| "a share from 0.05 to below 1".into())
}

/// What a bare `sendmmsg` loop costs with packets of the same size to the same sockets: a floor for any edge.
fn floor(arguments: &Arguments, swarm: &Swarm, length: PacketLength) -> Result<f64> {
    let to: Result<Vec<_>> = (0..arguments.listeners).map(|n| swarm.places.of(n)).collect();
    let (to, bytes) = (to?, stamp::packet_bytes(length));
    let socket = Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("no UDP port")?;
    let bar = bar(arguments.quiet, FLOOR_PASSES, "floor");
    let passes: Vec<f64> = with_floor(&socket, &to, bytes, |pass| {
        let passes = (0..FLOOR_PASSES).map(|_| {
            let spent = pass()?;
            bar.inc(1);
            // As the edge does: a burst, then the receivers' turn.
            std::thread::sleep(FLOOR_PAUSE);
            Ok(spent.as_secs_f64() * 1e9 / to.len() as f64)
        });
        passes.collect()
    })?;
    bar.finish_and_clear();
    Ok(median(passes))
}

/// Lets the speaker pause and reads what the edge uses meanwhile.
async fn idle(
    arguments: &Arguments,
    edge: &Child,
    speaker: &Speaker,
) -> Result<Option<[Reading; 2]>> {
    if arguments.idle_seconds == 0 {
        return Ok(None);
    }
    speaker.pause(true);
    tokio::time::sleep(SETTLE).await;
    let bar = bar(arguments.quiet, u64::from(arguments.idle_seconds), "idle");
    let begin = read(edge)?;
    for _ in 0..arguments.idle_seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bar.inc(1);
    }
    let end = read(edge)?;
    bar.finish_and_clear();
    speaker.pause(false);
    Ok(Some([begin, end]))
}

/// Opens the window, waits, and closes it; returns the readings at both ends and the frames sent in it.
async fn listen(
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
