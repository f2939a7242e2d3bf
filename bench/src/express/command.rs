//! `bench express`: makes the network, starts both sides in it, and compares what was sent with what arrived.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::de::DeserializeOwned;

use super::accounts::datagrams;
use super::audience::Seen;
use super::network::Network;
use super::report::{Report, Told};
use crate::measure::machine::Machine;
use crate::node::this_program;
use crate::screen::{self, Screen};

/// Proves the express path between two network namespaces, and measures it beside the plain way.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many listeners
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    listeners: u32,
    /// Length of their packets
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=120))]
    packet_ms: u32,
    /// How often each path sends to everybody
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    rounds: u32,
    /// Write the figures to this file, as JSON; without a name, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// Runs it all.
///
/// # Errors
/// When it is not possible here, or a packet is lost, altered or goes another way than it must.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    ensure!(rustix::process::geteuid().is_root(), "not possible here: it takes root");
    let network = Network::create()?;
    let report = measure(arguments, &network)?;
    drop(network);
    check(&report)?;
    if !output.is_standard_output() {
        for rows in [report.step_rows(), report.cost_rows()] {
            Screen::default().draw(&rows).context("cannot write the table")?;
        }
    }
    output.write(&report)
}

fn measure(arguments: &Arguments, network: &Network) -> Result<Report> {
    let program = this_program()?;
    let mut audience = Side::new(network.audience(&program, &["express-audience"])?)?;
    audience.wait_until_ready()?;
    let (listeners, rounds, packet_ms, pid) = (
        arguments.listeners.to_string(),
        arguments.rounds.to_string(),
        arguments.packet_ms.to_string(),
        audience.child.id().to_string(),
    );
    let words = [
        "express-sender",
        "--listeners",
        &listeners,
        "--rounds",
        &rounds,
        "--packet-ms",
        &packet_ms,
        "--audience",
        &pid,
    ];
    let told: Told = Side::new(network.sender(&program, &words)?)?.told()?;
    let corrupt = datagrams(audience.child.id())?.corrupt;
    ensure!(corrupt == 0, "{corrupt} packets had a wrong checksum");
    let seen: Seen = audience.told()?;
    Ok(Report {
        listeners: arguments.listeners,
        rounds: arguments.rounds,
        delivered_ratio: seen.measured as f64 / told.measured.max(1) as f64,
        told,
        seen,
        machine: Machine::here(),
    })
}

fn check(report: &Report) -> Result<()> {
    let (told, seen) = (&report.told, &report.seen);
    ensure!(
        seen.intact == told.expected && seen.wrong == 0 && seen.repeated == 0,
        "of {} packets to be checked {} arrived intact, {} altered, {} again",
        told.expected,
        seen.intact,
        seen.wrong,
        seen.repeated
    );
    Ok(())
}

/// A child; dropping it ends it.
struct Side {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Side {
    fn new(mut child: Child) -> Result<Self> {
        let output = child.stdout.take().context("a child without standard output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("cannot read a child's output")?;
        ensure!(line.trim() == "ready", "the audience did not start; see above");
        Ok(())
    }

    /// Closes its standard input, and returns what it says before it ends.
    fn told<T: DeserializeOwned>(mut self) -> Result<T> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text).context("cannot read a child's output")?;
        let status = self.child.wait().context("cannot await a child")?;
        if !status.success() {
            bail!("a child failed ({status}); it said why above");
        }
        serde_json::from_str(&text).context("a child said something unexpected")
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Both fail only where the process is gone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
