//! `bench tree`: plans, rivals and bounds on one world.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use stoa_origin::tree::Knobs;

use super::planning::{self, Planned, mean_ms};
use super::report::{Report, Trees};
use super::rivals::{self, Parents};
use super::score::{Score, score};
use super::world::World;
use super::{bound, churn, map};
use crate::measure::floor::median;
use crate::measure::machine::Machine;
use crate::screen::{self, Screen};

/// In each part of the world one.
const ROOTS: [&str; 6] = ["Amsterdam", "New York", "Buenos Aires", "Nairobi", "Dubai", "Singapore"];

/// Plans distribution trees on measured or modelled round-trip times and compares them with what is possible.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// A square of round-trip times in ms, as CSV; without one, 241 made-up cities
    #[arg(long, value_name = "FILE")]
    rtt: Option<PathBuf>,
    /// Where its nodes are, as CSV with city, lat, lon, country, suspect; needed unless the square has coordinates
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// Children of a node at most, both feeds and the reserve together; one after another
    #[arg(long, value_delimiter = ',', default_values_t = [8, 4, 16], value_parser = clap::value_parser!(u16).range(2..=1_000))]
    degree: Vec<u16>,
    /// City of the owner, several times for several
    #[arg(long, value_name = "CITY", default_values = ROOTS)]
    root: Vec<String>,
    /// Added to every path for what a relay takes, in ms
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    hop_ms: f32,
    /// Seed of the search, and of made-up cities
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw the tree of the first root and degree into this file, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the thrifty tree instead of the quick one
    #[arg(long, requires = "svg")]
    svg_thrifty: bool,
    /// Leave out members that come and go
    #[arg(long)]
    no_churn: bool,
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
/// When a file cannot be read or written, or a plan fails its check.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let mut world = match &arguments.rtt {
        Some(rtt) => World::read(rtt, arguments.nodes.as_deref())?,
        None => World::modelled(arguments.seed)?,
    };
    ensure!((0.0..=1_000.0).contains(&arguments.hop_ms), "--hop-ms lies between 0 and 1000");
    world.add_hop_ms(arguments.hop_ms);
    let roots: Vec<usize> =
        arguments.root.iter().map(|name| world.find(name)).collect::<Result<_>>()?;
    let report = measure(arguments, &world, &roots)?;
    if let Some(path) = &arguments.svg {
        draw(arguments, &world, &roots, path)?;
    }
    if !output.is_standard_output() {
        Screen::default().draw(&report.rows()).context("cannot write the table")?;
        writeln!(std::io::stdout(), "{}", report.notes()).context("cannot write the notes")?;
    }
    output.write(&report)
}

fn measure(arguments: &Arguments, world: &World, roots: &[usize]) -> Result<Report> {
    let steps = arguments.degree.len() * 2 + 1;
    let bar = screen::bar(arguments.quiet, steps as u64, "trees");
    let bound_ms = mean(roots.iter().map(|root| bound::shortest_ways_ms(world, *root)));
    let mut trees = Vec::new();
    for degree in &arguments.degree {
        let greedy = rival(world, roots, |root| rivals::greedy(world, root, usize::from(*degree)));
        let limit = usize::from(*degree);
        let degree_bound_ms =
            mean(roots.iter().map(|root| bound::with_fan_out_ms(world, *root, limit)));
        for (name, knobs) in [("quick", Knobs::QUICK), ("thrifty", Knobs::THRIFTY)] {
            let planned: Vec<Planned> = roots
                .iter()
                .map(|root| planning::plan(world, *root, *degree, knobs, arguments.seed))
                .collect::<Result<_>>()?;
            let bounds = (bound_ms, degree_bound_ms);
            trees.push(judged(world, &planned, (*degree, name), bounds, greedy));
            bar.inc(1);
        }
    }
    let first = trees.first().cloned().context("at least one --degree is needed")?;
    let churn = (!arguments.no_churn)
        .then(|| churn::churn(world, roots, first.degree, arguments.seed))
        .transpose()?;
    bar.finish_and_clear();
    Ok(Report {
        first,
        cities: world.len(),
        estimated_pairs: world.estimated,
        roots: roots.iter().map(|root| world.cities[*root].name.clone()).collect(),
        join_us: churn.map_or(0.0, |churn| churn.join_us),
        churn,
        star: rival(world, roots, |root| rivals::star(world, root)),
        spanning: rival(world, roots, |root| rivals::spanning(world, root)),
        trees,
        machine: Machine::here(),
    })
}

fn judged(
    world: &World,
    planned: &[Planned],
    (degree, knobs): (u16, &'static str),
    (bound_ms, degree_bound_ms): (f64, f64),
    greedy: Score,
) -> Trees {
    let trees: Vec<(usize, Parents)> =
        planned.iter().map(|planned| (planned.root, planned.parents(world))).collect();
    let red = score(world, &trees);
    let blue = planned
        .iter()
        .filter_map(|planned| planned.plan.blue().map(|blue| mean_ms(&planned.plan, blue)));
    let figure = |of: fn(&Planned) -> usize| mean(planned.iter().map(|p| of(p) as f64));
    Trees {
        degree,
        knobs,
        mean_over_bound: red.mean_ms / bound_ms,
        mean_over_degree_bound: red.mean_ms / degree_bound_ms,
        stretch: red.stretch,
        long_links: red.long_links,
        long_links_over_greedy: red.long_links / greedy.long_links.max(1.0),
        mean_ms: red.mean_ms,
        p95_ms: red.p95_ms,
        max_ms: red.max_ms,
        plan_ms: median(planned.iter().map(|planned| planned.cpu.as_secs_f64() * 1e3).collect()),
        blue_mean_ms: mean(blue),
        feeds_effective: planned.iter().map(|p| p.plan.feeds_effective()).min().unwrap_or(0),
        without_backup: figure(Planned::without_backup),
        shared_domains: figure(Planned::shared_domains),
        bound_ms,
        degree_bound_ms,
        greedy,
    }
}

fn draw(arguments: &Arguments, world: &World, roots: &[usize], path: &Path) -> Result<()> {
    let (root, degree) = roots.first().zip(arguments.degree.first()).context("no root")?;
    let knobs = if arguments.svg_thrifty { Knobs::THRIFTY } else { Knobs::QUICK };
    let planned = planning::plan(world, *root, *degree, knobs, arguments.seed)?;
    let mean_ms = mean_ms(&planned.plan, planned.plan.red());
    let title = format!(
        "Red feed from {} to {} edges, degree {degree}: {mean_ms:.1} ms on average",
        world.cities[*root].name,
        world.len() - 1,
    );
    let svg = map::draw(world, &planned, planned.plan.red(), &title);
    std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn rival(world: &World, roots: &[usize], tree: impl Fn(usize) -> Parents) -> Score {
    let trees: Vec<(usize, Parents)> = roots.iter().map(|root| (*root, tree(*root))).collect();
    score(world, &trees)
}

fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let figures: Vec<f64> = figures.collect();
    figures.iter().sum::<f64>() / figures.len().max(1) as f64
}
