//! `stoa-geo`: ranks edges for a client, and judges the model that does it.

use std::process::ExitCode;

use clap::Parser;
use stoa_geo::command::Arguments;

fn main() -> ExitCode {
    stoa_geo::io::run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("stoa-geo: {error:#}");
        ExitCode::FAILURE
    })
}
