//! `bench listen`: many real listeners against a real edge process.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use stoa_edge::webrtc::keys::Hook;
use str0m::config::DtlsCert;

use super::client::{Handshake, Purpose};
use super::http::{Connection, Room, Session};
use super::report::{Reading, Report, Run};
use super::speaker::Speaker;
use super::swarm::{Join, Swarm};
use crate::measure::machine;
use crate::node::{self, Child};

/// Listeners of one run.
const LISTENERS_MAX: u32 = 100_000;
/// How long a speaker or a listener may take to be connected.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between the last listener's first audio and the window: joins must not count as steady work.
const SETTLE: Duration = Duration::from_millis(1_000);
/// After the window, for the last packets.
const DRAIN: Duration = Duration::from_millis(1_200);
/// Frames per second of the speaker.
const FRAMES_PER_SECOND: u32 = 50;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

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
    // Now, so that a wrong path does not cost a whole measurement.
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

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

async fn measure(arguments: &Arguments, edge: &Child) -> Result<Report> {
    let epoch = Instant::now();
    let certificate = Hook::shared().certificate().context("no DTLS certificate")?;
    let mut http = Connection::open(edge.http()).await?;
    let room = http.create_room("Load").await?;
    let (speaker, session) = speak(&mut http, &room, &certificate, epoch).await?;
    let swarm = Arc::new(Swarm::spawn(arguments.listeners, arguments.sockets, epoch)?);

    let before_joins = read(edge)?;
    let bar = bar(arguments.quiet, u64::from(arguments.listeners), "joining");
    join_all(arguments, edge, &room, &certificate, &swarm, &bar).await?;
    let (listeners, failed) = wait_for_all(arguments, &swarm, &speaker, &bar).await?;
    let after_joins = read(edge)?;
    bar.finish_and_clear();

    tokio::time::sleep(SETTLE).await;
    let (window, sent_frames) = count(arguments, edge, &swarm, &speaker).await?;
    let failed = failed.max(swarm.gauges.failed.load(Ordering::Relaxed));
    let media = edge.media().map_or(0, |media| machine::udp_drops(media.port()));
    let dropped = [swarm.places.drops(), media];
    speaker.finish()?;
    // The first connection may have been idle for too long.
    let mut http = Connection::open(edge.http()).await?;
    http.send(Method::DELETE, path_of(&session.location), Some(&room.tokens.speaker), None).await?;
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

/// Brings the speaker up, through WHIP.
async fn speak(
    http: &mut Connection,
    room: &Room,
    certificate: &DtlsCert,
    epoch: Instant,
) -> Result<(Speaker, Session)> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("no UDP port")?;
    let local = socket.local_addr().context("a socket without address")?;
    let now = Instant::now();
    let (mut handshake, offer) = Handshake::new(local, Purpose::Speak, certificate.clone(), now)?;
    let path = format!("/v1/rooms/{}/whip", room.room);
    let session = http.open_session(&path, &room.tokens.speaker, offer).await?;
    handshake.accept(&session.answer)?;
    let speaker = Speaker::spawn(handshake, socket, epoch)?;
    let began = Instant::now();
    while !speaker.is_connected() {
        if speaker.has_ended() {
            speaker.finish()?;
            bail!("the speaker ended before it was connected");
        }
        ensure!(began.elapsed() < PATIENCE, "the speaker was not connected within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
    Ok((speaker, session))
}

/// Sends all listeners' offers and hands their handshakes to the swarm.
async fn join_all(
    arguments: &Arguments,
    edge: &Child,
    room: &Room,
    certificate: &DtlsCert,
    swarm: &Arc<Swarm>,
    bar: &ProgressBar,
) -> Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..arguments.joins_at_once.min(arguments.listeners) {
        let worker = Joiner {
            http: Connection::open(edge.http()).await?,
            path: format!("/v1/rooms/{}/whep", room.room),
            token: room.tokens.listener.clone(),
            certificate: certificate.clone(),
            swarm: Arc::clone(swarm),
            next: Arc::clone(&next),
            count: arguments.listeners,
        };
        workers.spawn(worker.run());
    }
    while let Some(ended) = workers.join_next().await {
        ended.context("a join failed")??;
        bar.set_position(swarm.gauges.hearing.load(Ordering::Relaxed));
    }
    Ok(())
}

/// Joins one listener after another over one connection.
struct Joiner {
    http: Connection,
    path: String,
    token: String,
    certificate: DtlsCert,
    swarm: Arc<Swarm>,
    next: Arc<AtomicU32>,
    count: u32,
}

impl Joiner {
    async fn run(mut self) -> Result<()> {
        loop {
            let client = self.next.fetch_add(1, Ordering::Relaxed);
            if client >= self.count {
                return Ok(());
            }
            let local: SocketAddr = self.swarm.places.of(client)?;
            let certificate = self.certificate.clone();
            let now = Instant::now();
            let (mut handshake, offer) = Handshake::new(local, Purpose::Listen, certificate, now)?;
            let asked = Instant::now();
            let session = self.http.open_session(&self.path, &self.token, offer).await?;
            handshake.accept(&session.answer)?;
            self.swarm.join(Join { client, handshake: Box::new(handshake), asked })?;
            // Others of this thread get their turn between two listeners.
            tokio::task::yield_now().await;
        }
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
        ensure!(!speaker.has_ended(), "the speaker has ended; the edge's log stands above");
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
    reach(speaker, begin).await?;
    let at_begin = read(edge)?;
    let bar = bar(arguments.quiet, u64::from(end - begin), "measuring");
    while speaker.sent() < end {
        ensure!(!speaker.has_ended(), "the speaker has ended; the edge's log stands above");
        bar.set_position(u64::from(speaker.sent().saturating_sub(begin)));
        tokio::time::sleep(LOOK).await;
    }
    let at_end = read(edge)?;
    bar.finish_and_clear();
    tokio::time::sleep(DRAIN).await;
    Ok(([at_begin, at_end], u64::from(end - begin)))
}

async fn reach(speaker: &Speaker, frame: u32) -> Result<()> {
    while speaker.sent() < frame {
        ensure!(!speaker.has_ended(), "the speaker has ended; the edge's log stands above");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn read(edge: &Child) -> Result<Reading> {
    Ok(Reading {
        at: Instant::now(),
        edge: machine::usage(edge.pid())?,
        generator: machine::usage(std::process::id())?,
    })
}

fn bar(quiet: bool, length: u64, what: &'static str) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len} {elapsed}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what)
}

/// A `Location` may be absolute; requests on an open connection want the path.
fn path_of(location: &str) -> &str {
    let after_scheme = location.split_once("://").map(|(_, rest)| rest);
    match after_scheme {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    }
}
