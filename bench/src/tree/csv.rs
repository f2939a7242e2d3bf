//! Tables of comma-separated values, with cells in quotes.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Largest file in bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Every row that is not empty.
pub(super) fn read(path: &Path) -> Result<Vec<Vec<String>>> {
    let reading = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(reading)?;
    let bytes = file.take(BYTES_MAX + 1).read_to_string(&mut text).with_context(reading)?;
    ensure!(bytes as u64 <= BYTES_MAX, "{} is larger than {BYTES_MAX} bytes", path.display());
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(cells).collect())
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for c in line.trim_end().chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::cells;

    #[test]
    fn commas_in_quotes_do_not_part() {
        assert_eq!(cells("a,\"b, c\",,1"), ["a", "b, c", "", "1"]);
    }
}
