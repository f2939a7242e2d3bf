//! The commands of `bench`, and how an error reaches the person who typed one.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::{impair, measure};

/// Proof for Stoa: demo network, load generator, impairment proxy, comparison of recordings.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pass UDP on, with delay, jitter, loss, a rate and cuts
    Impair(impair::Arguments),
    /// Compare a recording with its source
    Compare(measure::compare::Arguments),
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    match cli.command {
        Command::Impair(arguments) => runtime.block_on(impair::run(arguments))?,
        Command::Compare(arguments) => return measure::compare::run(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}
