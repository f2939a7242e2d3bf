//! A table that renews itself in place on a terminal, and is printed again and again elsewhere.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

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
