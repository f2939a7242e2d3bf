//! `bench repair`: every loss, round trip and kind of speech, one after the other.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::death::deaths;
use super::hop::{Loss, Path, Remedy};
use super::journey::{Journey, SETTLING_FRAMES, Speech, ratio};
use super::report::{Death, Report, Row};
use crate::screen::{self, Screen};

const HOPS: u32 = 3;
const LOSSES: [f64; 4] = [0.01, 0.05, 0.1, 0.2];
const RTTS_MS: [u64; 4] = [10, 40, 100, 200];
/// Mean length of a burst in datagrams.
const BURST: f64 = 3.0;
/// Round trip of the rows with pauses.
const PAUSES_RTT_MS: u64 = 40;
/// Losses at which peers die.
const LOSSES_OF_DEATHS: [f64; 6] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2];
const JITTERS_MS: [u64; 2] = [0, 5];
/// Round trip of a peer that dies.
const DEATHS_RTT_MS: u64 = 40;
/// Frames of the runs that are only compared with.
const COMPARED_FRAMES: u64 = 50_000;

/// Shows what listeners miss at the end of three hops that lose datagrams, beside the targets.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Frames that are spoken on each path
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    frames: u64,
    /// How often a peer dies at each loss
    #[arg(long, value_name = "N", default_value_t = 200)]
    deaths: u64,
    /// Other losses for another number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
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
/// When the figures cannot be written.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let journeys = journeys(arguments);
    let bar = screen::bar(arguments.quiet, journeys.len() as u64, "paths");
    let mut rows = Vec::with_capacity(journeys.len());
    for journey in &journeys {
        rows.push(row(journey));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let met = rows.iter().all(|row| row.met != Some(false));
    let deaths = all_deaths(arguments);
    let report = Report { hops: HOPS, seed: arguments.seed, met, rows, deaths };
    if !output.is_standard_output() {
        for table in [report.table(), report.deaths_table()] {
            Screen::default().draw(&table).context("cannot write the table")?;
        }
    }
    output.write(&report)
}

fn journeys(arguments: &Arguments) -> Vec<Journey> {
    let journey = |loss, rtt_ms, speech| Journey {
        hops: HOPS,
        path: Path { rtt: Duration::from_millis(rtt_ms), jitter: Duration::ZERO, loss },
        speech,
        frames: arguments.frames + SETTLING_FRAMES as u64,
        seed: arguments.seed,
    };
    let models: [fn(f64) -> Loss; 2] = [Loss::Independent, |share| Loss::Bursts(share, BURST)];
    let mut journeys = Vec::new();
    for model in models {
        for loss in LOSSES.map(model) {
            journeys.extend(RTTS_MS.map(|rtt_ms| journey(loss, rtt_ms, Speech::Steady)));
            journeys.push(journey(loss, PAUSES_RTT_MS, Speech::WithPauses));
        }
    }
    journeys
}

fn all_deaths(arguments: &Arguments) -> Vec<Death> {
    let kinds = LOSSES_OF_DEATHS.iter().flat_map(|share| JITTERS_MS.map(|jitter| (*share, jitter)));
    let death = |(share, jitter_ms)| {
        let path = Path {
            rtt: Duration::from_millis(DEATHS_RTT_MS),
            jitter: Duration::from_millis(jitter_ms),
            loss: Loss::Independent(share),
        };
        Death::new(share, jitter_ms, &deaths(path, arguments.deaths, arguments.seed))
    };
    kinds.map(death).collect()
}

fn row(journey: &Journey) -> Row {
    let outcome = journey.run(Remedy::Adaptive);
    let compared = Journey { frames: journey.frames.min(COMPARED_FRAMES), ..*journey };
    let bare = compared.run(Remedy::Nothing);
    let path = Path { loss: Loss::Independent(0.0), ..journey.path };
    let lossless = Journey { path, ..compared }.run(Remedy::Nothing);
    Row::new(journey, &outcome, &bare, ratio(lossless.bytes, compared.frames))
}
