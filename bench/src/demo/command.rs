//! `bench demo`: starts the network, prints its links, shows a live table until it is told to end.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use stoa_geo::places::{self, Place};
use stoa_runtime::shutdown::Shutdown;

use super::distance::Matrix;
use super::network::{Network, Wish};
use super::scrape::Page;
use super::table::{self, Reading, Row};
use crate::impair::Loss;
use crate::load::{Scenario, scenario};
use crate::screen::Screen;

/// How often the table is renewed.
const LOOK: Duration = Duration::from_secs(1);
/// A node that does not answer in this time is shown as it was.
const SCRAPE: Duration = Duration::from_millis(800);

/// Where edges stand of which only the number is given.
const ALL_OVER_THE_WORLD: [&str; 24] = [
    "ams", "iad", "sin", "gru", "sfo", "lhr", "nrt", "syd", "bom", "jnb", "dxb", "ord", "hkg",
    "mad", "waw", "mia", "scl", "icn", "del", "los", "yul", "akl", "cai", "arn",
];

/// Where origins stand in a scenario.
const THREE_ORIGINS: [&str; 3] = ["fra", "iad", "sin"];

/// How many edges an origin sends a room to in a scenario, so that others have to pass it on.
const SCENARIO_FAN_OUT: u16 = 4;

/// Longest that is counted after what happens in a scenario, because every frame is kept until the end.
const SCENARIO_S_MAX: u32 = 600;

/// Seconds that nodes have to leave in.
const SCENARIO_DRAIN_S: u32 = 10;

/// Runs a network of one origin and three edges on this machine, far apart from each other.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Where the origins stand; several share a Cassandra, which is started (without it: fra; for a scenario: fra,iad,sin)
    #[arg(long, visible_alias = "origin", value_name = "CODES", value_delimiter = ',', value_parser = place)]
    origins: Vec<&'static Place>,
    /// Where the edges stand, or how many there are, all over the world
    #[arg(long, value_name = "CODES|N", default_value = "ams,iad,sin", value_parser = places)]
    edges: Places,
    /// How many edges an origin sends a room to (16 unless given; for a scenario 4)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    fan_out: Option<u16>,
    /// Let somebody speak, listen at every edge, and see frame by frame who misses what when this happens
    #[arg(long, value_enum)]
    scenario: Option<Scenario>,
    /// Measured round-trip times (CSV, in ms, by city); what it lacks comes from the model
    #[arg(long, value_name = "FILE")]
    rtt: Option<PathBuf>,
    /// The delay of a path varies by up to this much
    #[arg(long, value_name = "MS", default_value_t = 0.5, value_parser = clap::value_parser!(f64))]
    jitter_ms: f64,
    /// Share of packets that each path loses: 0.01 is 1 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    loss: f64,
    /// Lose them in bursts of this mean length
    #[arg(long, value_name = "PACKETS")]
    burst: Option<f64>,
    /// Address at which the edges serve pages and media
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Port of the first edge's page, the others follow; 0 takes free ones
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// End after this time, or count for this long after what happens (12); without it, at Ctrl-C
    #[arg(long, value_name = "S")]
    seconds: Option<u32>,
    /// One JSON object per line instead of the table: first the links, then a sample each second
    #[arg(long)]
    json: bool,
}

/// Where edges stand.
#[derive(Clone, Debug)]
struct Places(Vec<&'static Place>);

fn places(text: &str) -> Result<Places, String> {
    let codes = match text.parse::<usize>() {
        Ok(count) if (1..=ALL_OVER_THE_WORLD.len()).contains(&count) => {
            ALL_OVER_THE_WORLD[..count].to_vec()
        }
        Ok(_) => {
            return Err(format!("1 to {} edges, or codes of places", ALL_OVER_THE_WORLD.len()));
        }
        Err(_) => text.split(',').collect(),
    };
    codes.into_iter().map(place).collect::<Result<_, _>>().map(Places)
}

fn place(code: &str) -> Result<&'static Place, String> {
    places::find(code).ok_or_else(|| {
        let known: Vec<&str> = places::PLACES.iter().map(|place| place.code).collect();
        format!("no such place; known are {}", known.join(" "))
    })
}

impl Arguments {
    fn wish(&self) -> Result<Wish> {
        let matrix = match &self.rtt {
            None => Matrix::default(),
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                Matrix::parse(&text)
                    .with_context(|| format!("{} is no table of times", file.display()))?
            }
        };
        anyhow::ensure!(
            (0.0..1_000.0).contains(&self.jitter_ms),
            "--jitter-ms must lie between 0 and 1000"
        );
        let far_apart = self.scenario.is_some();
        let origins = match &self.origins[..] {
            [] if far_apart => THREE_ORIGINS.iter().filter_map(|code| places::find(code)).collect(),
            [] => places::find("fra").into_iter().collect(),
            named => named.to_vec(),
        };
        Ok(Wish {
            origins,
            edges: self.edges.0.clone(),
            matrix,
            jitter: Duration::from_secs_f64(self.jitter_ms / 1_000.0),
            loss: Loss::new(self.loss, self.burst)?,
            listen: self.listen,
            port: self.port,
            fan_out: self.fan_out.or(far_apart.then_some(SCENARIO_FAN_OUT)),
            drain_s: if far_apart { SCENARIO_DRAIN_S } else { 0 },
        })
    }
}

/// Runs the network until its time is over or a signal comes.
///
/// # Errors
/// When the arguments make no sense or a node does not start.
pub async fn run(arguments: Arguments) -> Result<()> {
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    let wish = arguments.wish()?;
    let after_s = arguments.seconds.unwrap_or(scenario::AFTER_S);
    anyhow::ensure!(
        arguments.scenario.is_none() || after_s <= SCENARIO_S_MAX,
        "a scenario is counted for at most {SCENARIO_S_MAX} s; give fewer --seconds"
    );
    let began = Instant::now();
    let network = tokio::select! {
        network = Network::start(&wish) => network?,
        () = shutdown.requested() => return Ok(()),
    };
    if let Some(scenario) = arguments.scenario {
        return tokio::select! {
            played = scenario::play(network, scenario, after_s, arguments.json) => played,
            () = shutdown.requested() => Ok(()),
        };
    }
    if arguments.json {
        print_line(&ready(&network))?;
    } else {
        welcome(&network, &wish, began.elapsed());
    }
    let ended = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds.into())).await,
            None => std::future::pending().await,
        }
    };
    let shown = tokio::select! {
        () = ended => Ok(()),
        () = shutdown.requested() => Ok(()),
        shown = show(&network, arguments.json) => shown,
    };
    network.end().await;
    shown
}

fn welcome(network: &Network, wish: &Wish, took: Duration) {
    let edges = network.edges.len();
    let origins: Vec<&str> = wish.origins.iter().map(|place| place.city).collect();
    println!(
        "{} in {}, {edges} edges, up in {:.1} s; Ctrl-C ends them\n",
        if origins.len() == 1 { "one origin" } else { "origins" },
        origins.join(", "),
        took.as_secs_f64()
    );
    for origin in &network.origins {
        println!(
            "what the origin in {} sees: http://{}/status",
            origin.place.city,
            origin.node.http()
        );
    }
    println!();
    for edge in &network.edges {
        let source = if edge.round_trip.measured { "measured" } else { "modelled" };
        let ms = edge.round_trip.ms;
        println!(
            "{} ({}), {ms:.1} ms from the origin ({source})",
            edge.site.place.city, edge.site.place.code
        );
        println!("  speak   {}\n  listen  {}", edge.speaker, edge.listener);
    }
    println!();
}

fn ready(network: &Network) -> serde_json::Value {
    let edges = network.edges.iter().map(|edge| {
        json!({
            "edge": edge.site.place.code,
            "city": edge.site.place.city,
            "http": format!("http://{}", edge.site.node.http()),
            "pid": edge.site.node.pid(),
            "rtt_ms": edge.round_trip.ms,
            "measured": edge.round_trip.measured,
            "speaker": edge.speaker,
            "listener": edge.listener,
        })
    });
    let origins = network.origins.iter().map(|origin| {
        let http = format!("http://{}", origin.node.http());
        let status = format!("{http}/status");
        json!({ "origin": origin.place.code, "metrics": http, "status": status, "pid": origin.node.pid() })
    });
    let (origins, edges) = (origins.collect::<Vec<_>>(), edges.collect::<Vec<_>>());
    json!({ "event": "ready", "room": network.room.room, "origins": origins, "edges": edges })
}

async fn show(network: &Network, json: bool) -> Result<()> {
    let mut screen = Screen::default();
    let mut last: Vec<Reading> = network.edges.iter().map(|_| Reading::default()).collect();
    let mut looked = Instant::now();
    let mut ticks = tokio::time::interval(LOOK);
    for turn in 0u64.. {
        ticks.tick().await;
        let now = read(network, &last).await;
        let seconds = looked.elapsed().as_secs_f64();
        looked = Instant::now();
        let rows: Vec<Row> = network
            .edges
            .iter()
            .zip(last.iter().zip(&now))
            .map(|(edge, (last, now))| Row::new(edge, last, now, seconds))
            .collect();
        last = now;
        if turn == 0 {
            // Rates need two readings.
            continue;
        }
        if json {
            print_line(&json!({ "event": "sample", "edges": rows }))?;
        } else {
            screen.draw(&table::rows(&rows)).context("standard output is gone")?;
        }
    }
    Ok(())
}

/// Reads one edge after another; one that does not answer keeps its last page.
async fn read(network: &Network, last: &[Reading]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (edge, last) in network.edges.iter().zip(last) {
        let page = tokio::time::timeout(SCRAPE, Page::read(edge.site.node.http())).await;
        let page = page.ok().and_then(Result::ok).unwrap_or_else(|| last.page.clone());
        readings.push(Reading { page, path: network.path(edge) });
    }
    readings
}

fn print_line(value: &serde_json::Value) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{value}").and_then(|()| out.flush()).context("standard output is gone")
}
