//! The command line of `bench simulate`: many seeds, or one again.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::run::{Outcome, Scenario, simulate};
use super::stages::StagePath;

/// Let many networks run under virtual time with everything that can go wrong, and judge them.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many seeds to run, from `--seed` on.
    #[arg(long, value_name = "N", default_value_t = 300)]
    seeds: u64,
    /// The first seed; with `--seeds 1` the one to run again.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Write the figures to this file, as JSON; without a name, to standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// No progress bar.
    #[arg(long)]
    quiet: bool,
}

/// What came of all of them.
#[derive(Debug, Serialize)]
struct Report {
    seeds: u64,
    failed_seeds: Vec<u64>,
    faults: usize,
    /// Rooms that moved to where their speakers are nearer.
    rooms_moved: u64,
    /// Speakers at two edges, in runs that were well again; absent where there was no such pair.
    stage: Option<Stage>,
}

/// How much later than the path between their edges speakers hear each other, in ms.
#[derive(Debug, Serialize)]
struct Stage {
    pairs: usize,
    /// Median and 95th percentile over all pairs, of the medians and of the 99th percentiles of their frames.
    median_ms: [f64; 2],
    p99_ms: [f64; 2],
    /// The same of the medians, for frames that go over the room's owner.
    over_owner_ms: [f64; 2],
}

impl Stage {
    fn of(paths: &[StagePath]) -> Option<Self> {
        let beyond = |of: &dyn Fn(&StagePath) -> Option<Duration>| {
            let late = |path: &StagePath| {
                Some((of(path)?.as_secs_f64() - path.direct.as_secs_f64()) * 1_000.0)
            };
            let mut late: Vec<f64> = paths.iter().filter_map(late).collect();
            late.sort_by(f64::total_cmp);
            let at = |share: usize| late.get(late.len() * share / 100).copied();
            Some([at(50)?, at(95)?].map(|ms| (ms * 10.0).round() / 10.0))
        };
        Some(Self {
            pairs: paths.len(),
            median_ms: beyond(&|path| Some(path.stage.0))?,
            p99_ms: beyond(&|path| Some(path.stage.1))?,
            over_owner_ms: beyond(&|path| path.tree)?,
        })
    }
}

/// Runs the seeds.
///
/// # Errors
/// When one of them fails; it is printed with what went wrong.
pub fn run(arguments: &Arguments) -> Result<()> {
    let bar =
        if arguments.quiet { ProgressBar::hidden() } else { ProgressBar::new(arguments.seeds) };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left") {
        bar.set_style(style);
    }
    let (mut failed, mut stage, mut faults, mut rooms_moved) = (Vec::new(), Vec::new(), 0, 0);
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        let outcome = simulate(&Scenario::of(seed))?;
        faults += outcome.plan.len();
        stage.extend_from_slice(&outcome.stage);
        rooms_moved += outcome.moved;
        if !outcome.violations.is_empty() {
            failed.push(seed);
            bar.suspend(|| explain(seed, &outcome));
        }
        if arguments.seeds == 1 {
            bar.suspend(|| {
                for (node, notes) in outcome.notes.iter().enumerate() {
                    println!("  node {node}: {notes}");
                }
            });
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let stage = Stage::of(&stage);
    let report =
        Report { seeds: arguments.seeds, failed_seeds: failed, faults, rooms_moved, stage };
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report)?;
        if file.as_os_str() == "-" { println!("{json}") } else { std::fs::write(file, json)? }
    }
    println!(
        "{} seeds, {} faults, {} rooms moved, {} failed",
        report.seeds,
        report.faults,
        report.rooms_moved,
        report.failed_seeds.len()
    );
    if let Some(stage) = &report.stage {
        println!(
            "{} pairs of speakers hear each other {} ms after the direct path (95 % of pairs: {} ms; over the owner {} and {} ms)",
            stage.pairs,
            stage.median_ms[0],
            stage.median_ms[1],
            stage.over_owner_ms[0],
            stage.over_owner_ms[1],
        );
    }
    ensure!(
        report.failed_seeds.is_empty(),
        "{} seeds failed; run one again with --seed {} --seeds 1",
        report.failed_seeds.len(),
        report.failed_seeds[0]
    );
    Ok(())
}

fn explain(seed: u64, outcome: &Outcome) {
    println!("seed {seed}: {:?}", outcome.plan);
    for violation in &outcome.violations {
        println!("  {violation}");
    }
    for missed in outcome.missed.iter().filter(|missed| missed.frames > 0) {
        println!(
            "  edge {}: {} of {} frames lost, at most {:?} in one piece, the last at {:?}",
            missed.edge,
            missed.frames,
            missed.expected,
            missed.gap,
            missed.last_at.unwrap_or_default()
        );
    }
}
