//! What commands show: progress, a table that renews itself in place on a terminal (and is printed again and
//! again elsewhere), and figures as JSON.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// A progress bar, or none that is seen.
#[must_use]
pub fn bar(quiet: bool, length: u64, what: &'static str) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len} {elapsed}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what)
}

/// Where figures go as JSON.
#[derive(Debug)]
pub enum JsonOutput {
    /// Nowhere.
    None,
    /// To standard output, instead of a text for people.
    Standard,
    /// To a file.
    File(File),
}

impl JsonOutput {
    /// Opens it; `-` is standard output. Done before a measurement, so that a wrong path does not cost a whole one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        match path {
            None => Ok(Self::None),
            Some(path) if path == Path::new("-") => Ok(Self::Standard),
            Some(path) => {
                let file = File::create(path);
                file.map(Self::File).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }

    /// Whether standard output is for the figures alone.
    #[must_use]
    pub fn is_standard_output(&self) -> bool {
        matches!(self, Self::Standard)
    }

    /// Writes the figures.
    ///
    /// # Errors
    /// When the file, or standard output, takes no more.
    pub fn write(self, figures: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(figures).context("no JSON")?;
        match self {
            Self::None => Ok(()),
            Self::Standard => writeln!(io::stdout(), "{text}").context("cannot write the figures"),
            Self::File(mut file) => writeln!(file, "{text}").context("cannot write the figures"),
        }
    }
}

/// Draws tables on standard output.
#[derive(Debug)]
pub struct Screen {
    in_place: bool,
    lines_drawn: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Self { in_place: io::stdout().is_terminal(), lines_drawn: 0 }
    }
}

impl Screen {
    /// Draws a table; the first row is the heading, the first column is set to the left.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn draw(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        let mut text = String::new();
        if self.in_place && self.lines_drawn > 0 {
            // Up to the first line of the last drawing, and clear from there.
            let _ = write!(text, "\x1b[{}A\x1b[J", self.lines_drawn);
        }
        text.push_str(&layout(rows));
        self.lines_drawn = rows.len();
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// One line per row, columns two blanks apart.
fn layout(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let _ = if column == 0 {
                write!(line, "{gap}{cell:<width$}")
            } else {
                write!(line, "{gap}{cell:>width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::layout;

    #[test]
    fn columns_line_up_whatever_they_hold() {
        let rows = [["edge", "rtt"], ["Zürich", "3.5 ms"], ["Rio", "200 ms"]];
        let rows = rows.map(|row| row.map(String::from).to_vec());
        assert_eq!(layout(&rows), "edge       rtt\nZürich  3.5 ms\nRio     200 ms\n");
    }
}
