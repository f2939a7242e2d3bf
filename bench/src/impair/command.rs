//! `bench impair`: a proxy from the command line, with a live table.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::counters::{Direction, Sample};
use super::io::{Entrance, Plan, Proxy, spawn};
use super::profile::{Cut, Loss, Profile};
use crate::screen::Screen;

/// Which way packets suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    /// Both ways.
    Both,
    /// From the client to the target.
    Up,
    /// From the target to the client.
    Down,
}

/// Passes UDP on, worse than it came.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Where clients send to; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Where their packets go
    #[arg(long, value_name = "ADDR")]
    target: SocketAddr,
    /// One-way delay
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    delay_ms: f64,
    /// The delay varies by up to this much both ways
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    jitter_ms: f64,
    /// Let jitter change the order of packets
    #[arg(long)]
    reorder: bool,
    /// Share of packets lost: 0.05 is 5 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    loss: f64,
    /// Lose packets in bursts of this mean length (Gilbert-Elliott); without it each on its own
    #[arg(long, value_name = "PACKETS")]
    burst: Option<f64>,
    /// Rate of the narrowest link
    #[arg(long, value_name = "KBIT")]
    rate_kbit: Option<u32>,
    /// How long a packet may wait for that link before it is dropped
    #[arg(long, value_name = "MS", default_value_t = 200.0)]
    queue_ms: f64,
    /// Let nothing pass from this second on ..
    #[arg(long, value_name = "S", requires = "cut_for")]
    cut_after: Option<f64>,
    /// .. for this long
    #[arg(long, value_name = "S", requires = "cut_after")]
    cut_for: Option<f64>,
    /// Which way packets suffer; the other way they pass untouched
    #[arg(long, value_enum, default_value_t = Side::Both)]
    direction: Side,
    /// The same seed gives the same losses for the same packets
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after this time; without it, at Ctrl-C
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// One JSON object per second instead of the table
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn profile(&self) -> Result<Profile> {
        let cut = match (self.cut_after, self.cut_for) {
            (Some(after), Some(lasts)) => {
                let (after, lasts) = (span("cut-after", after)?, span("cut-for", lasts)?);
                Some(Cut { after, lasts })
            }
            _ => None,
        };
        Ok(Profile {
            delay: span("delay-ms", self.delay_ms / 1_000.0)?,
            jitter: span("jitter-ms", self.jitter_ms / 1_000.0)?,
            reorder: self.reorder,
            loss: Loss::new(self.loss, self.burst)?,
            rate_kbit: self.rate_kbit,
            queue: span("queue-ms", self.queue_ms / 1_000.0)?,
            cut,
        })
    }

    fn plan(&self) -> Result<Plan> {
        let profile = self.profile()?;
        let up = if self.direction == Side::Down { Profile::default() } else { profile };
        let down = if self.direction == Side::Up { Profile::default() } else { profile };
        Ok(Plan { target: self.target, up, down, sources: BTreeMap::new(), seed: self.seed })
    }
}

/// Runs the proxy until its time is over or Ctrl-C comes.
///
/// # Errors
/// When the arguments make no sense or the address cannot be bound.
pub async fn run(arguments: Arguments) -> Result<()> {
    let plan = arguments.plan()?;
    let end = arguments.seconds.map(|seconds| span("seconds", seconds)).transpose()?;
    let target = plan.target;
    let proxy = spawn(Entrance::bind(arguments.listen)?, plan)?;
    if !arguments.json {
        println!("{} -> {}; Ctrl-C ends it", proxy.address(), target);
    }
    let ended = async {
        match end {
            Some(end) => tokio::time::sleep(end).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = ended => {}
        signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C")?,
        shown = show(&proxy, arguments.json) => shown?,
    }
    if arguments.json { print_json(&proxy) } else { Ok(()) }
}

async fn show(proxy: &Proxy, json: bool) -> Result<()> {
    let mut screen = Screen::default();
    let mut last = [Sample::default(); 2];
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        if json {
            print_json(proxy)?;
            continue;
        }
        let now = [Direction::Up, Direction::Down].map(|direction| proxy.sample(direction));
        let heading =
            ["", "packets/s", "kbit/s", "delivered", "lost", "queue full", "cut", "overflow"];
        let mut rows = vec![heading.map(String::from).to_vec()];
        for (name, (now, last)) in ["up", "down"].into_iter().zip(now.iter().zip(&last)) {
            rows.push(row(name, now, last));
        }
        screen.draw(&rows)?;
        last = now;
    }
}

fn row(name: &str, now: &Sample, last: &Sample) -> Vec<String> {
    let kbit = (now.bytes - last.bytes) * 8 / 1_000;
    let counts = [
        now.packets - last.packets,
        kbit,
        now.delivered,
        now.lost,
        now.queue_full,
        now.cut,
        now.overflow + now.unsent,
    ];
    std::iter::once(name.to_owned()).chain(counts.map(|count| count.to_string())).collect()
}

fn print_json(proxy: &Proxy) -> Result<()> {
    let (flows, evicted) = proxy.flows();
    let line = json!({
        "listen": proxy.address().to_string(),
        "clients": flows,
        "clients_evicted": evicted,
        "up": proxy.sample(Direction::Up),
        "down": proxy.sample(Direction::Down),
    });
    writeln!(std::io::stdout(), "{line}").context("cannot write to standard output")
}

/// A time from the command line, in seconds; at most a day.
fn span(name: &str, seconds: f64) -> Result<Duration> {
    const DAY_S: f64 = 86_400.0;
    anyhow::ensure!(
        (0.0..=DAY_S).contains(&seconds),
        "--{name} must lie between 0 and a day, but {seconds} s was given"
    );
    Ok(Duration::from_secs_f64(seconds))
}
