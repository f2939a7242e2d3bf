//! `bench compare`: a recording beside its source, from files.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::comparison::{Demands, compare};
use super::wav;

/// Compares a recording with its source; fails when it is another, has holes or is distorted.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// What was said: a WAVE file
    source: PathBuf,
    /// What was heard: a WAVE file of the same rate
    recording: PathBuf,
    /// First second of the source to compare
    #[arg(long, value_name = "S", default_value_t = 0)]
    from: usize,
    /// How many seconds to compare; without it, to the end
    #[arg(long, value_name = "S")]
    seconds: Option<usize>,
}

/// Prints what was found as one JSON object; the exit code says whether it is good.
///
/// # Errors
/// When a file cannot be read or there is nothing to compare.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let source = wav::read(&arguments.source)?;
    let recording = wav::read(&arguments.recording)?;
    let whole = source.samples.len() / source.rate as usize;
    let end = arguments.seconds.map_or(whole, |seconds| arguments.from + seconds);
    let comparison = compare(&source, &recording, arguments.from..end)?;
    let complaints = comparison.complaints(&Demands::default());
    let report = json!({ "found": comparison, "complaints": complaints });
    writeln!(std::io::stdout(), "{report:#}").context("cannot write to standard output")?;
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
