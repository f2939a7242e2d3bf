//! What a child process does: an origin or an edge, exactly as their binaries start it, except that
//! it tells its parent where it listens and ends when its standard input closes.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use stoa_edge::edge::Edge;
use stoa_origin::Origin;
use stoa_runtime::shutdown::Shutdown;
use stoa_runtime::telemetry;

/// The first line on a node's standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// Where it serves HTTP: `/metrics` and `/health`, and an edge all the rest.
    pub(super) http: SocketAddr,
    /// Where it takes links, if it does.
    pub(super) mesh: Option<SocketAddr>,
    /// Where it takes media, if it does.
    pub(super) media: Option<SocketAddr>,
}

/// Runs a node of the network.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Its configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs an origin until it is asked to end.
///
/// # Errors
/// When it cannot start, or ends by itself.
pub fn run_origin(arguments: Arguments) -> Result<()> {
    let config = Some(arguments.config);
    let arguments = stoa_origin::Arguments { config, ..stoa_origin::Arguments::default() };
    let config = stoa_origin::Config::load(arguments)?;
    telemetry::start(&config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
        let origin = Origin::start(&config).await?;
        let mesh = Some(origin.mesh_addr());
        announce(Announcement { http: origin.metrics_addr(), mesh, media: None })?;
        origin.until(&shutdown).await
    })
}

/// Runs an edge until it is asked to end.
///
/// # Errors
/// When it cannot start, or ends by itself.
pub fn run_edge(arguments: Arguments) -> Result<()> {
    let config = Some(arguments.config);
    let arguments =
        stoa_edge::config::Arguments { config, ..stoa_edge::config::Arguments::default() };
    let config = stoa_edge::config::Config::load(arguments)?;
    telemetry::start(&config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
        let edge = Box::pin(Edge::start(config)).await?;
        let media = Some(edge.media_addr());
        let mesh = edge.mesh_addr();
        announce(Announcement { http: edge.http_addr(), mesh, media })?;
        Box::pin(edge.until(&shutdown)).await
    })
}

fn announce(announcement: Announcement) -> Result<()> {
    let line = serde_json::to_string(&announcement).context("no JSON")?;
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("the parent is gone")?;
    std::thread::Builder::new()
        .name("parent".into())
        .spawn(end_with_parent)
        .context("cannot watch the parent")?;
    Ok(())
}

/// Waits until standard input closes, which it does when the parent is gone, however it went.
fn end_with_parent() {
    let mut nothing = [0; 64];
    while std::io::stdin().read(&mut nothing).is_ok_and(|count| count > 0) {}
    if kill_process(getpid(), Signal::TERM).is_err() {
        std::process::exit(1);
    }
}
