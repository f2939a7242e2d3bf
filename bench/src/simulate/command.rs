//! The command line of `bench simulate`: many seeds, or one again.

use std::collections::BTreeMap;
use std::fmt;
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
    /// How often each happened.
    faults: BTreeMap<&'static str, usize>,
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
    let (mut failed, mut stage, mut faults) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut sums, mut rooms_moved) = (Sums::default(), 0);
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        let outcome = simulate(&Scenario::of(seed))?;
        for (_, fault) in &outcome.plan {
            *faults.entry(fault.kind()).or_default() += 1;
        }
        sums.add(&outcome);
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
    println!("{report}");
    println!("{sums}");
    ensure!(
        report.failed_seeds.is_empty(),
        "{} seeds failed; run one again with --seed {} --seeds 1",
        report.failed_seeds.len(),
        report.failed_seeds[0]
    );
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: usize = self.faults.values().sum();
        let (moved, failed) = (self.rooms_moved, self.failed_seeds.len());
        write!(f, "{} seeds, {faults} faults, {moved} rooms moved, {failed} failed", self.seeds)?;
        let Some(stage) = &self.stage else { return Ok(()) };
        write!(
            f,
            "\n{} pairs of speakers hear each other {} ms after the direct path (95 % of pairs: {} ms; over the owner {} and {} ms)",
            stage.pairs,
            stage.median_ms[0],
            stage.median_ms[1],
            stage.over_owner_ms[0],
            stage.over_owner_ms[1],
        )
    }
}

/// What the model excused, and what links refused.
#[derive(Debug, Default)]
struct Sums {
    expected: u64,
    missed: u64,
    taken: u64,
    spoken_then: u64,
    disorder: Duration,
    acknowledged: usize,
    unkept: usize,
    refusals: BTreeMap<String, u64>,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        for missed in &outcome.missed {
            self.expected += missed.expected;
            self.missed += missed.frames;
            self.taken += missed.taken;
            self.spoken_then += missed.spoken_then;
            self.disorder = self.disorder.max(missed.disorder);
        }
        self.acknowledged += outcome.acknowledged.0;
        self.unkept += outcome.acknowledged.1;
        for (what, times) in &outcome.refusals {
            *self.refusals.entry(what.clone()).or_default() += times;
        }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} frames missing", self.missed, self.expected)?;
        let (taken, then) = (self.taken, self.spoken_then);
        writeln!(f, "{taken} of {then} missing by loss alone")?;
        writeln!(f, "at most {:?} out of order where nothing was wrong", self.disorder)?;
        let (kept, unkept) = (self.acknowledged, self.unkept);
        write!(f, "{kept} changes acknowledged, {unkept} of them while nobody could keep them")?;
        for (what, times) in &self.refusals {
            write!(f, "\nrefused by links: {what}: {times}")?;
        }
        Ok(())
    }
}

fn explain(seed: u64, outcome: &Outcome) {
    println!("seed {seed}: {:?}", outcome.plan);
    println!("  again with: bench simulate --seeds 1 --seed {seed}");
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
