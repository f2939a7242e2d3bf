//! Measured round-trip times, to judge the model by. One line per place: name, latitude, longitude,
//! city, then the time in ms to each place of the header line; an empty cell is unknown.

use thiserror::Error;

use crate::coordinates::{Coordinates, CoordinatesError};
use crate::rtt;

/// Most places of a matrix; more pairs than this squared are not looked at.
pub const PLACES_MAX: usize = 1_024;

/// Columns before the first time: name, latitude, longitude, city.
const LEADING_COLUMNS: usize = 4;

/// Upper ends of the distance bands of a report, in km.
const BANDS_KM: [f64; 6] = [500.0, 1_500.0, 4_000.0, 8_000.0, 12_000.0, 20_100.0];

/// Two places with what was measured between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Great-circle distance in km.
    pub distance_km: f64,
    /// Mean of both directions in ms.
    pub measured_ms: f64,
}

/// Why a matrix was refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MatrixError {
    /// Nothing to compare.
    #[error("no pair of places has a measured time; expected lines of name,lat,lon,city,ms,ms,..")]
    Empty,
    /// More than [`PLACES_MAX`].
    #[error("the file has more than {PLACES_MAX} places")]
    TooMany,
    /// A line has fewer or more cells than the header.
    #[error("line {line}: {cells} cells where the header has {expected}")]
    Cells {
        /// Which line, from 1.
        line: usize,
        /// How many there are.
        cells: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A cell is no number.
    #[error("line {line}: {cell:?} is no number, 0 or more")]
    Number {
        /// Which line, from 1.
        line: usize,
        /// The cell.
        cell: String,
    },
    /// A place is not on Earth.
    #[error("line {line}: {reason}")]
    Coordinates {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        reason: CoordinatesError,
    },
}

/// How far the model is off within a band of distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Upper end of the band in km.
    pub up_to_km: f64,
    /// How many pairs it holds.
    pub pairs: usize,
    /// Median of the absolute errors in ms.
    pub median_error_ms: f64,
    /// Nine tenths of the absolute errors are below this, in ms.
    pub p90_error_ms: f64,
    /// Median of the relative errors, 0.1 is 10 %.
    pub median_error_share: f64,
}

/// Reads a matrix; every two places give one pair, if both directions were measured.
///
/// # Errors
/// A [`MatrixError`] with the line of the first mistake.
pub fn pairs(text: &str) -> Result<Vec<Pair>, MatrixError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let expected = lines.next().map_or(0, |(_, header)| header.split(',').count());
    let mut rows: Vec<(Coordinates, Vec<Option<f64>>)> = Vec::new();
    for (at, text) in lines {
        if rows.len() >= PLACES_MAX {
            return Err(MatrixError::TooMany);
        }
        rows.push(row(at + 1, text, expected)?);
    }
    let mut pairs = Vec::new();
    for (a, (from, times)) in rows.iter().enumerate() {
        for (b, (to, back)) in rows.iter().enumerate().skip(a + 1) {
            let both = times.get(b).copied().flatten().zip(back.get(a).copied().flatten());
            if let Some((there, back)) = both {
                let measured_ms = f64::midpoint(there, back);
                pairs.push(Pair { distance_km: from.distance_km(*to), measured_ms });
            }
        }
    }
    if pairs.is_empty() { Err(MatrixError::Empty) } else { Ok(pairs) }
}

/// Judges the model: one band per range of distances, and one of all at the end.
#[must_use]
pub fn judge(pairs: &[Pair]) -> Vec<Band> {
    let mut bands = Vec::new();
    let mut from = 0.0;
    for up_to in BANDS_KM {
        bands.extend(band(pairs, from, up_to));
        from = up_to;
    }
    bands.extend(band(pairs, 0.0, from));
    bands
}

fn row(
    line: usize,
    text: &str,
    expected: usize,
) -> Result<(Coordinates, Vec<Option<f64>>), MatrixError> {
    let cells: Vec<&str> = text.split(',').map(str::trim).collect();
    if cells.len() != expected || cells.len() <= LEADING_COLUMNS {
        return Err(MatrixError::Cells { line, cells: cells.len(), expected });
    }
    let number = |cell: &str| {
        let wrong = || MatrixError::Number { line, cell: cell.chars().take(20).collect() };
        cell.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong)
    };
    let coordinates = Coordinates::new(number(cells[1])?, number(cells[2])?)
        .map_err(|reason| MatrixError::Coordinates { line, reason })?;
    let time = |cell: &&str| match number(cell) {
        _ if cell.is_empty() => Ok(None),
        Ok(ms) if ms < 0.0 => Err(MatrixError::Number { line, cell: (*cell).to_owned() }),
        other => other.map(Some),
    };
    let times: Result<_, _> = cells[LEADING_COLUMNS..].iter().map(time).collect();
    Ok((coordinates, times?))
}

fn band(pairs: &[Pair], from_km: f64, up_to_km: f64) -> Option<Band> {
    let inside = |pair: &&Pair| pair.distance_km >= from_km && pair.distance_km < up_to_km;
    let error = |pair: &Pair| (rtt::modelled_ms(pair.distance_km) - pair.measured_ms).abs();
    let mut errors: Vec<f64> = pairs.iter().filter(inside).map(error).collect();
    let mut shares: Vec<f64> = pairs
        .iter()
        .filter(inside)
        .filter(|pair| pair.measured_ms > 0.0)
        .map(|pair| error(pair) / pair.measured_ms)
        .collect();
    errors.sort_by(f64::total_cmp);
    shares.sort_by(f64::total_cmp);
    Some(Band {
        up_to_km,
        pairs: errors.len(),
        median_error_ms: *errors.get(errors.len() / 2)?,
        p90_error_ms: *errors.get(errors.len() * 9 / 10)?,
        median_error_share: *shares.get(shares.len() / 2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "region,lat,lon,city,a,b,c\n";

    #[test]
    fn pairs_have_the_mean_of_both_directions_and_unknown_ones_are_left_out() {
        let text = format!("{HEADER}a,0,0,A,1,10,\nb,0,9,B,20,1,30\nc,0,18,C,5,40,1\n");
        let pairs = pairs(&text).unwrap();
        let measured: Vec<f64> = pairs.iter().map(|pair| pair.measured_ms).collect();
        assert_eq!(measured, [15.0, 35.0]);
        assert!((pairs[0].distance_km - 1_000.8).abs() < 1.0);
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = |line: &str| pairs(&format!("{HEADER}{line}\n")).unwrap_err();
        assert!(matches!(error("a,0,0,A,1,2"), MatrixError::Cells { line: 2, .. }));
        assert!(matches!(error("a,0,0,A,1,x,3"), MatrixError::Number { line: 2, .. }));
        assert!(matches!(error("a,0,0,A,1,-1,3"), MatrixError::Number { line: 2, .. }));
        assert!(matches!(error("a,91,0,A,1,2,3"), MatrixError::Coordinates { line: 2, .. }));
        assert_eq!(pairs(""), Err(MatrixError::Empty));
        assert_eq!(pairs(HEADER), Err(MatrixError::Empty));
    }

    #[test]
    fn a_matrix_that_follows_the_model_has_no_error() {
        let pairs: Vec<Pair> = (1..100)
            .map(|step| Pair {
                distance_km: f64::from(step) * 200.0,
                measured_ms: rtt::modelled_ms(f64::from(step) * 200.0),
            })
            .collect();
        let bands = judge(&pairs);
        assert_eq!(bands.iter().map(|band| band.pairs).sum::<usize>(), 2 * 99);
        assert!(bands.iter().all(|band| band.p90_error_ms < 1e-9));
    }
}
