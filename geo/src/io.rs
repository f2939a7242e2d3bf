//! Reads the files that `stoa-geo` is given and writes its answer to standard output.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use stoa_runtime::configuration;

use crate::command::{Action, Arguments, Model, Rank, model_table, ranking_json, ranking_table};
use crate::edges::{self, Edge, EdgesFile};
use crate::{choice, matrix};

/// Largest file of measurements in bytes.
const MATRIX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Does what the command line says. The exit code is 2 when no edge may take the client.
///
/// # Errors
/// When a file cannot be read or does not make sense.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        Action::Rank(rank) => ranked(rank),
        Action::Model(model) => modelled(model),
    }
}

fn ranked(rank: &Rank) -> anyhow::Result<ExitCode> {
    let client = rank.client()?;
    let edges = match &rank.edges {
        Some(path) => read_edges(path)?,
        None => edges::everywhere(),
    };
    let ranking = choice::rank(client, &edges);
    print(&if rank.json { ranking_json(&ranking) } else { ranking_table(&ranking) })?;
    Ok(if ranking.candidates.is_empty() { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn modelled(model: &Model) -> anyhow::Result<ExitCode> {
    let path = &model.rtt;
    let reading = || format!("cannot read the measurements in {}", path.display());
    let file = std::fs::File::open(path).with_context(reading)?;
    let mut text = String::new();
    let length = file.take(MATRIX_BYTES_MAX + 1).read_to_string(&mut text).with_context(reading)?;
    if length as u64 > MATRIX_BYTES_MAX {
        bail!(
            "{} is larger than {MATRIX_BYTES_MAX} bytes; is this the right file?",
            path.display()
        );
    }
    let pairs = matrix::pairs(&text).with_context(reading)?;
    print(&model_table(&matrix::judge(&pairs)))?;
    Ok(ExitCode::SUCCESS)
}

fn read_edges(path: &Path) -> anyhow::Result<Vec<Edge>> {
    let file: EdgesFile = configuration::load(Some(path))?;
    file.edges().with_context(|| format!("in {}", path.display()))
}

/// A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
