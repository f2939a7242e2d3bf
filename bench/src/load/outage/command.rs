//! `bench outage`: a real store is taken away from a running network, and given back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::kept;
use super::report::{Acted, Outage, Report};
use super::stage::{Cast, Stage};
use super::trouble::{Backend, Trouble};
use super::watch::{asking, listening};
use crate::screen;

/// How long it is listened before; longer than copies of who is here take to be made.
const BEFORE: Duration = Duration::from_millis(1_500);
/// How long what waits in a journal may take once the store is back.
const STORED: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// Takes the store away from a running network, lets people come and act meanwhile, gives it back, and compares.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// What happens to the store, one after the other
    #[arg(required = true, value_enum)]
    troubles: Vec<Trouble>,
    /// For how long at least; nothing is waited for longer than 2 s by an origin
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Write the figures to this file, as JSON; without a name, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// Runs it all.
///
/// # Errors
/// When a server or node does not start, somebody is refused, or the outage was noticed.
pub async fn run(arguments: Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let mut backend = Backend::start(&arguments.troubles).await?;
    let stopped = tokio::signal::ctrl_c();
    let report = tokio::select! {
        report = measure(&arguments, &mut backend) => report?,
        _ = stopped => bail!("stopped"),
    };
    if !output.is_standard_output() {
        print!("{}", report.text());
    }
    output.write(&report)?;
    let complaints: Vec<String> = report.outages.iter().flat_map(Outage::complaints).collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("; "));
    Ok(())
}

async fn measure(arguments: &Arguments, backend: &mut Backend) -> Result<Report> {
    let (stage, mut cast) = Stage::open(backend.place(&arguments.troubles)).await?;
    let length = Duration::from_secs(arguments.seconds.into());
    let mut outages = Vec::new();
    for trouble in &arguments.troubles {
        let outage = go_through(&stage, &mut cast, backend, *trouble, length);
        outages.push(Box::pin(outage).await?);
    }
    Ok(Report { outages })
}

async fn go_through(
    stage: &Stage,
    cast: &mut Cast,
    backend: &mut Backend,
    trouble: Trouble,
    length: Duration,
) -> Result<Outage> {
    let (first, second) = (stage.guest(cast).await?, stage.guest(cast).await?);
    let pause = async {
        tokio::time::sleep(BEFORE).await;
        Ok(())
    };
    let ((), before) = listening(stage, pause).await?;
    // Stored already, and perhaps not yet copied: a store that forgets must not bring him back.
    stage.leave(first).await?;
    stage.network.settle(STORED).await?;
    let found = found(stage).await?;

    let topic = format!("{trouble:?}");
    let whole = async {
        let began = Instant::now();
        backend.cut(trouble).await?;
        let acted = stage.act(cast, second, &topic).await?;
        tokio::time::sleep(length.saturating_sub(began.elapsed())).await;
        let journal_at_end = stage.network.journal().await?;
        backend.mend(trouble).await?;
        let lasted = began.elapsed();
        let mended = Instant::now();
        if trouble.forgets() {
            restored(stage, found).await?;
        }
        // A journal that is never emptied is among the figures.
        let _ = stage.network.settle(STORED).await;
        let reader = backend.reader()?;
        let (differences, _) =
            kept::compare(&reader, &stage.room.room, &topic, &mut cast.host).await?;
        Ok((acted, lasted, journal_at_end, mended.elapsed(), differences))
    };
    let (((acted, lasted, journal_at_end, stored_after, differences), watched), during) =
        Box::pin(listening(stage, asking(stage, whole))).await?;
    let counts = stage.network.counts().await?;
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    let acted: Acted = acted;
    Ok(Outage {
        trouble,
        lasted_ms: ms(lasted),
        before,
        during,
        acted,
        watched,
        journal_at_end,
        stored_after_ms: ms(stored_after),
        journal_after: counts.sum("stoa_origin_store_journal_length", "").unwrap_or(0.0),
        dropped: counts.sum("stoa_origin_store_journal_dropped_total", "").unwrap_or(0.0),
        differences,
    })
}

/// How often the origin has found or filled Redis so far.
async fn found(stage: &Stage) -> Result<f64> {
    let counts = stage.network.counts().await?;
    Ok(counts.sum("stoa_origin_store_restorations_total", "").unwrap_or(0.0))
}

/// Waits until it has been found once more.
async fn restored(stage: &Stage, before: f64) -> Result<()> {
    let began = Instant::now();
    while found(stage).await? <= before {
        ensure!(began.elapsed() < STORED, "Redis was not restored within {STORED:?}");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
