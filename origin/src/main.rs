//! `stoa-origin`: owns rooms and sends their loudest speakers to the edges.

use clap::Parser;
use stoa_origin::{Arguments, Config};

fn main() -> anyhow::Result<()> {
    stoa_origin::run(&Config::load(Arguments::parse())?)
}
