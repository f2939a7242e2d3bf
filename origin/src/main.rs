//! `stoa-origin`: owns rooms and sends their loudest speakers to the edges.

use clap::Parser;
use stoa_origin::config::Command;
use stoa_origin::{Arguments, Config};

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let command = arguments.command;
    let config = Config::load(arguments)?;
    match command {
        Some(Command::Migrate) => println!("{}", stoa_origin::migrate::migrate(&config.store)?),
        None => stoa_origin::run(&config)?,
    }
    Ok(())
}
