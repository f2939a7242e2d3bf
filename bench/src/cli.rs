//! The commands of `bench`, and how an error reaches the person who typed one.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::{demo, express, fanout, impair, load, measure, node, repair, simulate, tree};

/// Proof for Stoa: demo network, load generator, impairment proxy, comparison of recordings.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a network of one origin and three edges on this machine
    Demo(demo::Arguments),
    /// Put many real listeners on a real edge and measure
    Listen(load::Arguments),
    /// Measure what one packet costs, beside a bare sendmmsg loop and beside str0m
    Fanout(fanout::Arguments),
    /// Prove the express path (AF_XDP) between two network namespaces, and measure it; as root
    Express(express::Arguments),
    /// Measure how long a listener takes from an accepted hand to the first sound, across the demo's network
    Stage(load::stage::Arguments),
    /// Let many listeners join at once while others listen, and measure
    JoinStorm(load::storm::Arguments),
    /// Fill many rooms, let people act in them, and measure what it costs their owner
    Rooms(load::rooms::Arguments),
    /// Take the store away from a running network, give it back, and compare
    Outage(load::outage::Arguments),
    /// Take the owner of a room away while people are in it, and measure when they can act again
    Takeover(load::takeover::Arguments),
    /// Let many networks run under virtual time with everything that can go wrong, and judge them
    Simulate(simulate::Arguments),
    /// Plan distribution trees on the cities of the world, and compare them with what is possible
    Tree(tree::Arguments),
    /// Let frames travel over hops that lose datagrams, and count what listeners miss
    Repair(repair::Arguments),
    /// Pass UDP on, with delay, jitter, loss, a rate and cuts
    Impair(impair::Arguments),
    /// Compare a recording with its source
    Compare(measure::compare::Arguments),
    /// Receive for another command, in its network namespace
    #[command(hide = true)]
    ExpressAudience,
    /// Send for another command, in its network namespace
    #[command(hide = true)]
    ExpressSender(express::SenderArguments),
    /// Run an edge as a child of another command
    #[command(hide = true)]
    NodeEdge(node::Arguments),
    /// Run an origin as a child of another command
    #[command(hide = true)]
    NodeOrigin(node::Arguments),
}

/// Runs the command of the command line.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(arguments) => block_on(demo::run(arguments))?,
        Command::Listen(arguments) => block_on(load::run(arguments))?,
        Command::Fanout(arguments) => fanout::run(&arguments)?,
        Command::Express(arguments) => express::run(&arguments)?,
        Command::ExpressAudience => express::run_audience()?,
        Command::ExpressSender(arguments) => express::run_sender(&arguments)?,
        Command::Stage(arguments) => block_on(load::stage::run(arguments))?,
        Command::JoinStorm(arguments) => block_on(load::storm::run(arguments))?,
        Command::Rooms(arguments) => block_on(load::rooms::run(arguments))?,
        Command::Outage(arguments) => block_on(load::outage::run(arguments))?,
        Command::Takeover(arguments) => block_on(load::takeover::run(arguments))?,
        Command::Simulate(arguments) => simulate::run(&arguments)?,
        Command::Tree(arguments) => tree::run(&arguments)?,
        Command::Repair(arguments) => repair::run(&arguments)?,
        Command::Impair(arguments) => block_on(impair::run(arguments))?,
        Command::Compare(arguments) => return measure::compare::run(&arguments),
        Command::NodeEdge(arguments) => node::run_edge(arguments)?,
        Command::NodeOrigin(arguments) => node::run_origin(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn block_on(command: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(command)
}
