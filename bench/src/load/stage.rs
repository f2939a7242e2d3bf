//! `bench stage`: how long it takes from an accepted hand to the first sound at the far end of the world, and from
//! the way back to silence; without SDP, ICE or a new connection in between.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use stoa_edge::webrtc::keys::Hook;
use stoa_geo::places;

use super::client::{Handshake, Purpose};
use super::joining::Scene;
use super::report::{Percentiles, percentiles};
use super::speaker::Speaker;
use super::swarm::Swarm;
use super::talk::Talk;
use crate::demo::{Matrix, Network, Wish, round_trip};
use crate::impair::Loss;
use crate::measure::histogram::Histogram;
use crate::screen::{self, bar};

/// How often it is looked whether somebody is heard.
const LOOK: Duration = Duration::from_micros(500);
/// How long a hand may take to be heard.
const PATIENCE: Duration = Duration::from_secs(5);
/// Without a sound for this long it is silent.
const SILENCE: Duration = Duration::from_millis(300);
/// Until edges of speakers send to each other.
const LANE_SETTLES: Duration = Duration::from_secs(3);
/// How long speakers listen to each other.
const CONVERSATION: Duration = Duration::from_secs(10);
/// Packets of the far listener.
const PACKET_MS: u32 = 20;

/// Lets a listener's hand be accepted again and again, and measures when he is heard at the farthest edge.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many hands
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Write the figures to this file, as JSON; without a name, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

/// What it came to. Keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
struct Report {
    rounds: u32,
    /// From one edge by the origin to the farthest one, as the network between them is made.
    one_way_path_ms: f64,
    /// From the owner's acceptance to the first frame at the farthest listener.
    accepted_to_audible_ms: Percentiles,
    /// The same without the path.
    over_path_ms: Percentiles,
    /// From the owner's word that he is a listener again to the last frame at the farthest listener.
    demoted_to_silent_ms: Percentiles,
    /// Offers that the new speakers sent meanwhile.
    sdp_exchanges: u32,
    /// One speaker as the other hears him, each at his edge.
    speaker_to_speaker_ms: Percentiles,
    /// The path between those edges, and the one over the owner.
    direct_path_ms: f64,
    over_owner_path_ms: f64,
}

/// Runs it.
///
/// # Errors
/// When a node does not start, refuses, or nobody is heard.
pub async fn run(arguments: Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let network = Network::start(&wish()?).await?;
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &network) => report,
        _ = stopped => bail!("stopped"),
    };
    network.end().await;
    let report = report?;
    if !output.is_standard_output() {
        print!("{}", report.text());
    }
    output.write(&report)
}

/// The demo's network.
fn wish() -> Result<Wish> {
    let place = |code| places::find(code).with_context(|| format!("no such place: {code}"));
    Ok(Wish {
        origins: vec![place("fra")?],
        edges: vec![place("ams")?, place("iad")?, place("sin")?],
        matrix: Matrix::default(),
        jitter: Duration::from_micros(500),
        loss: Loss::new(0.0, None)?,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)).ip(),
        port: 0,
        fan_out: None,
        drain_s: 0,
    })
}

async fn measure(arguments: &Arguments, network: &Network) -> Result<Report> {
    let [near, far, farthest] = &network.edges[..] else { bail!("three edges are needed") };
    let half_ms = |ms: f64| ms / 2.0;
    let one_way_path_ms = half_ms(far.round_trip.ms) + half_ms(farthest.round_trip.ms);
    let room = &network.room;
    let scene = Scene::of(farthest.site.node.http(), room.clone(), PACKET_MS)?;
    let length = Duration::from_millis(PACKET_MS.into());
    let swarm = Arc::new(Swarm::spawn(1, 1, scene.epoch, length)?);
    scene.door(&swarm).await?.join(0).await?;
    swarm.window.set(1..u32::MAX);
    let (mut host, voice) = enter(near.site.node.http(), &scene, &room.tokens.host, "Host").await?;
    let (mut guest, _other) =
        enter(far.site.node.http(), &scene, &room.tokens.listener, "Guest").await?;

    let to_owner = Duration::from_secs_f64(half_ms(near.round_trip.ms) / 1_000.0);
    let (mut audible, mut over, mut silent) =
        (Histogram::default(), Histogram::default(), Histogram::default());
    let bar = bar(arguments.quiet, u64::from(arguments.rounds), "hands");
    for _ in 0..arguments.rounds {
        let heard = accept(&mut host, &mut guest, &swarm).await?.saturating_sub(to_owner);
        audible.record(heard);
        over.record(heard.saturating_sub(Duration::from_secs_f64(one_way_path_ms / 1_000.0)));
        silent.record(demote(&mut host, &guest, &swarm).await?.saturating_sub(to_owner));
        bar.inc(1);
    }
    bar.finish_and_clear();
    accept(&mut host, &mut guest, &swarm).await?;
    // The owner's word to the other edge, and a link between the two if there was none.
    tokio::time::sleep(LANE_SETTLES).await;
    voice.take_delays();
    tokio::time::sleep(CONVERSATION).await;
    let delays = voice.take_delays();
    ensure!(delays.count() > 0, "the speakers do not hear each other");
    let between = round_trip(&Matrix::default(), near.site.place, far.site.place);
    Ok(Report {
        speaker_to_speaker_ms: percentiles(&delays),
        direct_path_ms: half_ms(between.ms),
        over_owner_path_ms: half_ms(near.round_trip.ms) + half_ms(far.round_trip.ms),
        rounds: arguments.rounds,
        one_way_path_ms,
        accepted_to_audible_ms: percentiles(&audible),
        over_path_ms: percentiles(&over),
        demoted_to_silent_ms: percentiles(&silent),
        sdp_exchanges: guest.offers() - 1,
    })
}

/// Somebody with a microphone that is always open, whatever his role.
async fn enter(
    edge: SocketAddr,
    scene: &Scene,
    token: &str,
    name: &str,
) -> Result<(Talk, Speaker)> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("no UDP port")?;
    let local = socket.local_addr().context("a socket without address")?;
    let certificate = Hook::shared().certificate().context("no DTLS certificate")?;
    let (mut handshake, offer) =
        Handshake::new(local, Purpose::TakePart, certificate, Instant::now())?;
    let talk = Talk::join(edge, &scene.room.room, token, name, &offer).await?;
    handshake.accept(talk.answer())?;
    let speaker = Speaker::spawn(handshake, socket, scene.epoch)?;
    if name == "Host" {
        speaker.pause(true);
    }
    let began = Instant::now();
    while !speaker.is_connected() {
        ensure!(began.elapsed() < PATIENCE, "{name} is not connected");
        tokio::time::sleep(LOOK).await;
    }
    Ok((talk, speaker))
}

/// The guest raises his hand and is accepted: how long until he is heard, from the host's word on.
async fn accept(host: &mut Talk, guest: &mut Talk, swarm: &Swarm) -> Result<Duration> {
    host.forget();
    guest.ask(json!({ "type": "hand", "raised": true })).await?;
    let who = guest.participant().to_owned();
    let raised = |message: &serde_json::Value| {
        message["type"] == "hands"
            && message["hands"]
                .as_array()
                .is_some_and(|hands| hands.iter().any(|hand| hand["participant"] == who.as_str()))
    };
    host.wait_for(raised).await.context("the host sees no hand")?;
    let before = swarm.gauges.frames.load(Ordering::Relaxed);
    let began = Instant::now();
    let accept = json!({ "type": "stage", "action": "accept", "participant": who });
    let asked = host.say(accept).await?;
    while swarm.gauges.frames.load(Ordering::Relaxed) == before {
        ensure!(began.elapsed() < PATIENCE, "nobody hears the new speaker");
        tokio::time::sleep(LOOK).await;
    }
    let heard = began.elapsed();
    host.answer_to(asked).await?;
    Ok(heard)
}

/// He goes back to the audience: how long until the last frame, from the host's word on.
async fn demote(host: &mut Talk, guest: &Talk, swarm: &Swarm) -> Result<Duration> {
    let who = guest.participant();
    let began = Instant::now();
    let role = json!({ "type": "stage", "action": "role", "participant": who, "role": "listener" });
    let asked = host.say(role).await?;
    let (mut frames, mut last) = (swarm.gauges.frames.load(Ordering::Relaxed), Duration::ZERO);
    while began.elapsed() < last + SILENCE {
        ensure!(began.elapsed() < PATIENCE, "who has left the stage is still heard");
        tokio::time::sleep(LOOK).await;
        let now = swarm.gauges.frames.load(Ordering::Relaxed);
        if now > frames {
            (frames, last) = (now, began.elapsed());
        }
    }
    host.answer_to(asked).await?;
    Ok(last)
}

impl Report {
    fn text(&self) -> String {
        let line = |what: &str, ms: &Percentiles| {
            format!(
                "{what:<28}{:>8.1} ms p50 {:>8.1} ms p99 {:>8.1} ms max\n",
                ms.p50, ms.p99, ms.max
            )
        };
        format!(
            "{} hands accepted in Amsterdam, raised in Ashburn, heard in Singapore; {} SDP exchanges\n\
             one-way path                {:>8.1} ms\n{}{}{}\
             between the two speakers    {:>8.1} ms directly, {:.1} ms over the owner\n{}",
            self.rounds,
            self.sdp_exchanges,
            self.one_way_path_ms,
            line("accepted to audible", &self.accepted_to_audible_ms),
            line("of which not path", &self.over_path_ms),
            line("demoted to silent", &self.demoted_to_silent_ms),
            self.direct_path_ms,
            self.over_owner_path_ms,
            line("speaker to speaker", &self.speaker_to_speaker_ms),
        )
    }
}
