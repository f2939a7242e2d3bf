//! `stoa-origin`: owns rooms and sends their loudest speakers to the edges; makes keys and tokens.

use std::process::ExitCode;

use clap::Parser;
use stoa_origin::Arguments;

fn main() -> ExitCode {
    match stoa_origin::command::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stoa-origin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
