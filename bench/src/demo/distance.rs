//! Round-trip times between cities: from a file of measurements where it has them, else from the
//! great-circle model.

use stoa_geo::places::Place;
use stoa_geo::rtt::between_ms;
use thiserror::Error;

/// Why a file of round-trip times was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum MatrixError {
    /// No table of times by name.
    #[error("its first line does not name the columns; expected: a name, then one column per name")]
    Header,
}

/// Measured round-trip times between named places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    columns: Vec<String>,
    /// Name, city (the same where the file has none), cells.
    rows: Vec<(String, String, Vec<String>)>,
}

impl Matrix {
    /// Reads a square table of times in ms. Rows and columns bear the same names; a column `city`
    /// tells what people call the place.
    pub(crate) fn parse(text: &str) -> Result<Self, MatrixError> {
        let cells = |line: &str| line.split(',').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let columns = lines.next().map(cells).filter(|columns| columns.len() > 1);
        let columns = columns.ok_or(MatrixError::Header)?;
        let city = columns.iter().position(|column| column == "city");
        let row = |line: &str| {
            let cells = cells(line);
            let name = cells.first().cloned().unwrap_or_default();
            let city = city.and_then(|at| cells.get(at).cloned()).unwrap_or_else(|| name.clone());
            (name, city, cells)
        };
        Ok(Self { rows: lines.map(row).collect(), columns })
    }

    /// The time between two cities, the mean of both directions.
    fn between(&self, a: &str, b: &str) -> Option<f64> {
        let there = self.one_way_round(a, b);
        let back = self.one_way_round(b, a);
        match (there, back) {
            (Some(there), Some(back)) => Some(f64::midpoint(there, back)),
            (one, other) => one.or(other),
        }
    }

    fn one_way_round(&self, from: &str, to: &str) -> Option<f64> {
        let row = |city: &str| self.rows.iter().find(|row| row.1.eq_ignore_ascii_case(city));
        let (_, _, cells) = row(from)?;
        let (to, ..) = row(to)?;
        let column = self.columns.iter().position(|column| column == to)?;
        cells.get(column)?.parse().ok().filter(|ms| (0.0..10_000.0).contains(ms))
    }
}

/// A round-trip time, and whether somebody has measured it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RoundTrip {
    pub(crate) ms: f64,
    pub(crate) measured: bool,
}

/// The round-trip time between two places.
pub(crate) fn round_trip(matrix: &Matrix, a: &Place, b: &Place) -> RoundTrip {
    match matrix.between(a.city, b.city) {
        Some(ms) => RoundTrip { ms, measured: true },
        None => RoundTrip { ms: between_ms(a.coordinates, b.coordinates), measured: false },
    }
}

#[cfg(test)]
mod tests {
    use stoa_geo::places::find;

    use super::{Matrix, MatrixError, round_trip};

    #[test]
    fn measured_times_are_found_by_city_and_others_come_from_the_model() {
        let text = "region,lat,lon,city,eu-1,us-1\n\
                    eu-1,50,8,Frankfurt,1.0,90.0\nus-1,39,-77,Ashburn,94.0,1.0\n";
        let matrix = Matrix::parse(text).unwrap();
        let [fra, iad, sin] = ["fra", "iad", "sin"].map(|code| find(code).unwrap());
        let near = round_trip(&matrix, fra, iad);
        assert!(near.measured && (near.ms - 92.0).abs() < 1e-9);
        let far = round_trip(&matrix, fra, sin);
        assert!(!far.measured && (120.0..220.0).contains(&far.ms), "{far:?}");
    }

    #[test]
    fn a_square_of_city_names_is_read_too_and_holes_in_it_are_no_harm() {
        let matrix = Matrix::parse(",Amsterdam,Singapore\nAmsterdam,,160\nSingapore,,\n").unwrap();
        assert_eq!(matrix.between("Amsterdam", "Singapore"), Some(160.0));
        assert_eq!(matrix.between("Amsterdam", "Ashburn"), None);
        assert_eq!(Matrix::parse("nothing").unwrap_err(), MatrixError::Header);
    }
}
