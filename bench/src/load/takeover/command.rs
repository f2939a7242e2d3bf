//! `bench takeover`: the owner of a room goes, one way or another, again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;

use super::census::LOOK;
use super::network::{Hot, Network};
use super::people::{People, entrances};
use super::report::{Report, Takeover};
use super::rounds::{self, Scene};
use super::voice::Voice;
use crate::load::report::percentiles;
use crate::load::swarm::Swarm;
use crate::measure::histogram::Histogram;
use crate::screen;

/// Packets of the people's audio.
const PACKET: Duration = Duration::from_millis(20);
/// How long handshakes may take.
const HANDSHAKES: Duration = Duration::from_secs(20);

/// How the owner goes, or who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fate {
    /// It is killed.
    Killed,
    /// It is killed while the store of leases does not answer.
    KilledWithoutStore,
    /// All its threads stop, and go on when another has its room.
    Frozen,
    /// It is asked to leave.
    Leaves,
    /// It is killed together with its standby, and another origin takes the room from the store.
    Both,
    /// It is killed and started again at once, under its name.
    Restarted,
    /// It stays, and another origin comes; then the others go but for the two.
    Added,
}

impl Fate {
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Killed => "the owner was killed",
            Self::KilledWithoutStore => "the owner was killed while the store was frozen,",
            Self::Frozen => "the owner froze and woke",
            Self::Leaves => "the owner left",
            Self::Both => "owner and standby were killed",
            Self::Restarted => "the owner was killed and started again",
            Self::Added => "another origin came",
        }
    }
}

/// Takes the owner of a room away while people are in it, and measures when they can act again.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How it goes, one way after the other
    #[arg(required = true, value_enum)]
    fates: Vec<Fate>,
    /// How often, each way
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// People in the room
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(10..=90))]
    people: u32,
    /// Rooms, of all origins; the people are in one of them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=200))]
    rooms: u32,
    /// Let somebody speak all the while, and listen at another edge
    #[arg(long)]
    speak: bool,
    /// Where it is written who is in the rooms
    #[arg(long, value_enum, default_value = "cassandra")]
    hot: Hot,
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
/// When a server or node does not start, somebody is refused for good, or something was lost.
pub async fn run(arguments: Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let rounds = arguments.rounds * u32::try_from(arguments.fates.len()).unwrap_or(1);
    let bar = screen::bar(arguments.quiet, rounds.into(), "rounds");
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &bar) => report?,
        _ = stopped => bail!("stopped"),
    };
    bar.finish_and_clear();
    if !output.is_standard_output() {
        print!("{}", report.text());
    }
    output.write(&report)?;
    let complaints: Vec<String> = report.takeovers.iter().flat_map(Takeover::complaints).collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("; "));
    Ok(())
}

async fn measure(arguments: &Arguments, bar: &ProgressBar) -> Result<Report> {
    let one_room = arguments.rooms == 1;
    ensure!(
        one_room || !arguments.fates.contains(&Fate::Both),
        "both: with several rooms nobody tells which origin is the standby of the one with the people"
    );
    let mut network = Network::start(arguments.people * 2, arguments.hot).await?;
    let edges: Vec<_> = network.edges.iter().map(crate::node::Child::http).collect();
    let room = network.make_room("Takeover").await?;
    for number in 1..arguments.rooms {
        network.make_room(&format!("Room {number}")).await?;
    }
    let swarm = Arc::new(Swarm::spawn(arguments.people, 1, Instant::now(), PACKET)?);
    let entrances = entrances(&edges, &network.secret, &swarm)?;
    let waiting = arguments.people / 2;
    let busy = arguments.people - waiting - 1;
    let mut people = People::enter(entrances, room.room.clone(), waiting, busy).await?;
    shaken_hands(&swarm, arguments.people.into()).await?;
    let mut voice = None;
    if arguments.speak {
        voice = Some(Voice::start(&edges, room, PACKET).await?);
    }
    if !one_room {
        network.spread().await?;
    }

    let mut takeovers = Vec::new();
    for fate in &arguments.fates {
        let mut takeover = Takeover::new(*fate, arguments.rounds, people.count(), arguments.rooms);
        let mut again = Histogram::default();
        for _ in 0..arguments.rounds {
            let scene = Scene { network: &mut network, people: &mut people, voice: &mut voice };
            rounds::go_through(*fate, scene, &mut takeover, &mut again).await?;
            bar.inc(1);
        }
        takeover.commands_again_ms = percentiles(&again);
        takeover.commands = again.count();
        let connected = people.connected().await;
        let failed = u32::try_from(swarm.gauges.failed.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        takeover.disconnected = (takeover.people - connected).max(failed);
        takeovers.push(takeover);
    }
    Ok(Report { hot: arguments.hot, takeovers })
}

async fn shaken_hands(swarm: &Arc<Swarm>, wanted: u64) -> Result<()> {
    let began = Instant::now();
    while swarm.gauges.connected.load(Ordering::Relaxed) < wanted {
        ensure!(began.elapsed() < HANDSHAKES, "not everybody's audio came to be");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
