//! `bench takeover`: the owner of a room goes, one way or another, again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;

use super::network::Network;
use super::people::{People, entrances};
use super::report::{Report, Takeover};
use crate::load::http::Connection;
use crate::load::report::percentiles;
use crate::load::swarm::Swarm;
use crate::measure::histogram::Histogram;
use crate::screen;

/// Packets of the people's audio.
const PACKET: Duration = Duration::from_millis(20);
/// How long handshakes may take.
const HANDSHAKES: Duration = Duration::from_secs(20);
/// What the last hands have before the owner goes; some are acknowledged by then, others are under way.
const LAST_WORDS: Duration = Duration::from_millis(4);
/// When people want something of an owner that is gone.
const SOON_AFTER: Duration = Duration::from_millis(30);
/// How long something stays frozen at least: until leases are over, by the store's clock too.
const FROZEN: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(20);

/// How the owner goes.
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
}

impl Fate {
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Killed => "was killed",
            Self::KilledWithoutStore => "was killed while the store was frozen,",
            Self::Frozen => "froze and woke",
            Self::Leaves => "left",
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
    let mut network = Network::start(arguments.people * 2).await?;
    let edges: Vec<_> = network.edges.iter().map(crate::node::Child::http).collect();
    let Some(first) = edges.first() else { bail!("no edge") };
    let room = Connection::open(*first).await?.create_room("Takeover").await?.room;
    let swarm = Arc::new(Swarm::spawn(arguments.people, 1, Instant::now(), PACKET)?);
    let entrances = entrances(&edges, &network.secret, &swarm)?;
    let waiting = arguments.people / 2;
    let busy = arguments.people - waiting - 1;
    let mut people = People::enter(entrances, room, waiting, busy).await?;
    shaken_hands(&swarm, arguments.people.into()).await?;

    let mut takeovers = Vec::new();
    for fate in &arguments.fates {
        let mut takeover = Takeover::new(*fate, arguments.rounds, people.count());
        let mut again = Histogram::default();
        for _ in 0..arguments.rounds {
            round(*fate, &mut network, &mut people, &mut takeover, &mut again).await?;
            bar.inc(1);
        }
        takeover.commands_again_ms = percentiles(&again);
        takeover.commands = again.count();
        let connected = people.connected().await;
        let failed = u32::try_from(swarm.gauges.failed.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        takeover.disconnected = (takeover.people - connected).max(failed);
        takeovers.push(takeover);
    }
    Ok(Report { takeovers })
}

async fn round(
    fate: Fate,
    network: &mut Network,
    people: &mut People,
    report: &mut Takeover,
    again: &mut Histogram,
) -> Result<()> {
    people.begin().await?;
    let owner = network.owner().await?;
    let name = network.name_of(owner);
    let before = network.taken_by_others(&name).await?;
    if fate == Fate::KilledWithoutStore {
        network.cassandra.freeze()?;
        tokio::time::sleep(FROZEN).await;
    }
    let strike = async {
        match fate {
            Fate::Killed | Fate::KilledWithoutStore => network.kill(owner),
            Fate::Frozen => network.freeze(owner)?,
            // It goes on until its rooms have moved.
            Fate::Leaves => network.ask_to_leave(owner)?,
        }
        Ok(())
    };
    let struck = Instant::now() + LAST_WORDS;
    let later = struck + SOON_AFTER;
    let mut busy = std::mem::take(&mut people.busy);
    let (raised, said) = tokio::join!(people.raise_until(LAST_WORDS, strike), async {
        tokio::time::sleep_until(later.into()).await;
        People::act(&mut busy, true).await
    });
    people.busy = busy;
    let (raised, said) = (raised?, said?);
    for said in &said {
        again.record(SOON_AFTER + said.took);
        report.refused += u64::from(said.refused);
    }
    let up = people.hands().await?;
    report.acknowledged += (raised.len() + people.busy.len()) as u64;
    let busy = people.busy.iter().map(|talk| talk.participant().to_owned());
    report.lost +=
        raised.iter().cloned().chain(busy).filter(|who| !up.contains(who)).count() as u64;
    match fate {
        Fate::Killed => {}
        Fate::KilledWithoutStore => network.cassandra.thaw()?,
        Fate::Frozen => {
            tokio::time::sleep(FROZEN.saturating_sub(struck.elapsed())).await;
            let (given_up, fenced) = network.thaw(owner).await?;
            report.given_up += given_up;
            report.fenced += fenced;
        }
        Fate::Leaves => network.gone(owner).await?,
    }
    report.taken += network.taken_since(&name, before).await?;
    if fate != Fate::Frozen {
        network.start_origin(&name).await?;
    }
    network.linked().await
}

async fn shaken_hands(swarm: &Arc<Swarm>, wanted: u64) -> Result<()> {
    let began = Instant::now();
    while swarm.gauges.connected.load(Ordering::Relaxed) < wanted {
        ensure!(began.elapsed() < HANDSHAKES, "not everybody's audio came to be");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
