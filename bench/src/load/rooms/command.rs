//! `bench rooms`: an origin with a chosen store, one edge or more, and people in many rooms.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::people::Hall;
use super::report::{Mark, Report, Run};
use super::store::Choice;
use super::{deeds, hands, people};
use crate::load::entrance::Entrance;
use crate::load::network::Network;
use crate::load::swarm::Swarm;
use crate::measure::machine::{self, Usage};
use crate::node;
use crate::screen::{self, bar};

/// Sockets of a process are 20,000 on many machines.
const PEOPLE_MAX: u64 = 16_000;
/// Rooms that come through one edge: it carries 8,192 people on stages.
const ROOMS_PER_EDGE: u32 = 7_000;
/// Rooms with a guest, in which something is done.
const BUSY_MAX: usize = 500;
/// UDP sockets that all people share.
const SOCKETS: u32 = 8;
/// Of packets that nobody gets here, because nobody speaks.
const PACKET: Duration = Duration::from_millis(120);
/// Packets a second that an edge promises to a host, who is on the stage, and to somebody in the audience.
const PROMISED: (u32, u32) = (50, 9);
/// Packets a second that one media thread promises at least before it has sent any.
const PROMISED_BY_WORKER: u32 = 150_000;
/// How long what waits in a journal may take.
const STORED: Duration = Duration::from_secs(60);

/// Fills many rooms through an edge, lets people act in them, and measures what it costs their owner.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many rooms, each with its host
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rooms: u32,
    /// How many people in the biggest room, its host included
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=15_000))]
    participants: u32,
    /// Where the origin keeps rooms and who is in them; servers are started for this run
    #[arg(long, value_enum, default_value_t = Choice::Embedded)]
    store: Choice,
    /// How many deeds: hands, mutes, roles
    #[arg(long, value_name = "N", default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(6..=1_000_000))]
    operations: u32,
    /// How many hands to time until a moderator sees them
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hands: u32,
    /// Rooms, joins or deeds under way at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    at_once: u32,
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
/// When a server or node does not start, or somebody is refused.
pub async fn run(arguments: Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let people = arguments.people();
    ensure!(people <= PEOPLE_MAX, "{people} people are too many; at most {PEOPLE_MAX} fit");
    node::raise_descriptor_limit(2_048 + people)?;
    let store = arguments.store.start().await?;
    let participants = u32::try_from(people)? + 16;
    let workers = arguments.edge_workers();
    let edges = &["ams-1", "fra-1"][..arguments.edges()];
    let network = Network::start(store.place.clone(), edges, participants, workers).await?;
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &network) => report?,
        _ = stopped => bail!("stopped"),
    };
    // Everybody is still there: nobody waits for them to go.
    drop(network);
    if !output.is_standard_output() {
        print!("{}", report.text());
    }
    output.write(&report)?;
    ensure!(
        report.failed_joins + report.failed_operations == 0,
        "{} joins and {} rounds of deeds failed, the first one so: {}",
        report.failed_joins,
        report.failed_operations,
        report.complaint.as_deref().unwrap_or_default()
    );
    Ok(())
}

impl Arguments {
    fn busy(&self) -> usize {
        BUSY_MAX.min(self.rooms as usize)
    }

    fn edges(&self) -> usize {
        self.rooms.div_ceil(ROOMS_PER_EDGE) as usize
    }

    /// Media threads, so many that nobody is refused for packets that nobody sends here.
    fn edge_workers(&self) -> usize {
        let (host, other) = PROMISED;
        let promised = self.rooms * host + (self.rooms + self.participants) * other;
        promised.div_ceil(PROMISED_BY_WORKER) as usize
    }

    fn people(&self) -> u64 {
        u64::from(self.rooms) + self.busy() as u64 + u64::from(self.participants) - 2
    }
}

async fn measure(arguments: &Arguments, network: &Network) -> Result<Report> {
    let began = Instant::now();
    let (quiet, at_once) = (arguments.quiet, arguments.at_once);
    let edge = network.edges.first().context("a network without edges")?;
    let edges = network.edges.iter();
    let swarm = Swarm::spawn(u32::try_from(arguments.people())?, SOCKETS, began, PACKET)?;
    let swarm = Arc::new(swarm);
    let entrances = edges.map(|edge| Entrance::new(edge.http(), &network.secret, &swarm));
    let entrances = entrances.collect::<Result<Vec<Entrance>>>()?;

    let begin = mark(network, began).await?;
    let progress = bar(quiet, arguments.rooms.into(), "rooms");
    let rooms = people::make_rooms(edge.http(), arguments.rooms, at_once, &progress).await?;
    let making_took = began.elapsed().saturating_sub(begin.at);
    progress.finish_and_clear();

    let made = mark(network, began).await?;
    let wishes = people::wishes(rooms.len(), arguments.busy(), arguments.participants);
    let progress = bar(quiet, arguments.people(), "joining");
    let joined = people::let_in(&entrances, &rooms, wishes, at_once, &progress).await;
    progress.finish_and_clear();
    people::shaken_hands(&swarm, joined.joined).await?;

    let after_joins = mark(network, began).await?;
    let mut halls = joined.halls;
    // Whoever was not let in is missing in his room, and nothing can be done there.
    let busy = halls.iter_mut().filter(|hall| hall.host.is_some() && hall.guest.is_some());
    let mut busy: Vec<&mut Hall> = busy.collect();
    ensure!(!busy.is_empty(), "no room has its host and a guest: {:?}", joined.complaint);
    let progress = bar(quiet, arguments.operations.into(), "deeds");
    let done = deeds::act(&mut busy, arguments.operations, at_once, &progress).await;
    progress.finish_and_clear();
    let after_deeds = mark(network, began).await?;

    let progress = bar(quiet, arguments.hands.into(), "hands");
    let hands = hands::raise(&mut busy, arguments.hands, &progress).await?;
    progress.finish_and_clear();
    Ok(Report::new(&Run {
        store: arguments.store.name(),
        rooms: rooms.len() as u64,
        edges: network.edges.len() as u64,
        biggest_room: arguments.participants.into(),
        making_took,
        joined: joined.joined,
        failed: joined.failed,
        complaint: joined.complaint,
        joining_took: joined.took,
        joining: joined.latency,
        done,
        hands,
        marks: [begin, made, after_joins, after_deeds],
    }))
}

/// Reads what everything has cost so far, once nothing waits for a store any more.
async fn mark(network: &Network, began: Instant) -> Result<Mark> {
    network.settle(STORED).await?;
    let mut edges = network.edges.iter().map(|edge| machine::usage(edge.pid()));
    let first = edges.next().context("a network without edges")??;
    let edge = edges.try_fold(first, |all, one| {
        let one = one?;
        Ok::<_, anyhow::Error>(Usage {
            cpu: all.cpu + one.cpu,
            rss_bytes: all.rss_bytes + one.rss_bytes,
            threads: all.threads + one.threads,
        })
    })?;
    Ok(Mark {
        origin: machine::usage(network.origin.pid())?,
        edge,
        generator: machine::usage(std::process::id())?,
        busy: machine::busy(),
        at: began.elapsed(),
        store_operations: network.store_operations().await?,
    })
}
