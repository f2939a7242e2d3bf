//! `stoa-edge`: takes people's voices in by WebRTC and brings others' voices to their ears.

use clap::Parser;
use stoa_edge::config::{Arguments, Config};

fn main() -> anyhow::Result<()> {
    let config = Config::load(Arguments::parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(Box::pin(stoa_edge::edge::run(config)))
}
