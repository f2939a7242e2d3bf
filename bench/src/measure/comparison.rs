//! Whether a recording is its source, heard well: similarity second by second, holes, drift.

use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

use super::alignment::{self, Placed};
use super::bands::{self, FRAMES_PER_SECOND};
use super::holes;
use super::wav::Recording;

/// What a good recording must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demands {
    /// Least similarity of any second in which the source sounds.
    pub similarity_min: f32,
    /// Least mean similarity.
    pub similarity_mean: f32,
    /// Longest hole, in ms.
    pub hole_ms: u32,
    /// Most that a second may be displaced against the one before it, in ms.
    pub shift_ms: u32,
}

impl Default for Demands {
    fn default() -> Self {
        Self { similarity_min: 0.75, similarity_mean: 0.88, hole_ms: 60, shift_ms: 60 }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Seconds of the source that were compared.
    pub seconds: usize,
    /// Those of them in which it sounds.
    pub seconds_with_sound: usize,
    /// How much later the source is in the recording, in ms, overall.
    pub lag_ms: i64,
    /// Mean similarity, -1 to 1.
    pub similarity_mean: f32,
    /// Similarity of the worst second.
    pub similarity_min: f32,
    /// Which second of the source that is.
    pub worst_second: usize,
    /// Longest hole, in ms.
    pub longest_hole_ms: u32,
    /// All holes, as (second of the recording, ms).
    pub holes: Vec<(f64, u32)>,
    /// Most that a second is displaced against the one before it, in ms.
    pub shift_max_ms: u32,
}

/// Why no comparison can be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ComparisonError {
    /// Different sample rates.
    #[error("the source has {source_hz} Hz, the recording {recording_hz} Hz; resample one of them")]
    Rates {
        /// The source's rate.
        source_hz: u32,
        /// The recording's rate.
        recording_hz: u32,
    },
    /// Nothing to align.
    #[error("the {0} is silent")]
    Silent(&'static str),
    /// The source's seconds are not all there.
    #[error(
        "seconds {from} to {to} of the source are asked for, but it has only {has} whole seconds"
    )]
    TooShort {
        /// First second asked for.
        from: usize,
        /// The second after the last asked for.
        to: usize,
        /// Whole seconds of the source.
        has: usize,
    },
}

/// Compares the given seconds of the source with where they are in the recording.
///
/// # Errors
/// A [`ComparisonError`] when there is nothing to compare.
pub fn compare(
    source: &Recording,
    recording: &Recording,
    seconds: Range<usize>,
) -> Result<Comparison, ComparisonError> {
    if source.rate != recording.rate {
        let (source_hz, recording_hz) = (source.rate, recording.rate);
        return Err(ComparisonError::Rates { source_hz, recording_hz });
    }
    let said = bands::analyse(source);
    let heard = bands::analyse(recording);
    let has = said.len() / FRAMES_PER_SECOND;
    if seconds.is_empty() || seconds.end > has {
        return Err(ComparisonError::TooShort { from: seconds.start, to: seconds.end, has });
    }
    if recording.samples.iter().all(|sample| sample.abs() < 1e-4) {
        return Err(ComparisonError::Silent("recording"));
    }
    let lag = alignment::overall_lag(&said, &heard).ok_or(ComparisonError::Silent("source"))?;
    let placed = alignment::place_seconds(&said, &heard, lag, seconds);
    let source_time = |time: f64| source_time(&placed, time);
    let holes = holes::find(source, recording, source_time);
    let scores: Vec<(f32, usize)> =
        placed.iter().filter_map(|p| Some((p.similarity?, p.second))).collect();
    let worst = scores.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0));
    let (similarity_min, worst_second) = worst.ok_or(ComparisonError::Silent("source"))?;
    let shifts = placed.windows(2).map(|pair| pair[0].lag.abs_diff(pair[1].lag));
    Ok(Comparison {
        seconds: placed.len(),
        seconds_with_sound: scores.len(),
        lag_ms: lag as i64 * 10,
        similarity_mean: scores.iter().map(|(score, _)| score).sum::<f32>() / scores.len() as f32,
        similarity_min,
        worst_second,
        longest_hole_ms: holes.iter().map(|hole| hole.lasts_ms).max().unwrap_or(0),
        holes: holes.iter().map(|hole| (hole.at_s, hole.lasts_ms)).collect(),
        shift_max_ms: u32::try_from(shifts.max().unwrap_or(0) * 10).unwrap_or(u32::MAX),
    })
}

/// Which moment of the source sounds at a moment of the recording, by the second it was placed in.
fn source_time(placed: &[Placed], time: f64) -> Option<f64> {
    let at = |placed: &Placed| time - placed.lag as f64 / FRAMES_PER_SECOND as f64;
    let inside = |placed: &&Placed| {
        let begin = placed.second as f64;
        (begin..begin + 1.0).contains(&at(placed))
    };
    placed.iter().find(inside).map(at)
}

impl Comparison {
    /// Everything in which the recording falls short; empty when it is good.
    #[must_use]
    pub fn complaints(&self, demands: &Demands) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut demand = |fine: bool, complaint: String| {
            if !fine {
                complaints.push(complaint);
            }
        };
        demand(
            self.similarity_mean >= demands.similarity_mean,
            format!("mean similarity {:.3} < {}", self.similarity_mean, demands.similarity_mean),
        );
        demand(
            self.similarity_min >= demands.similarity_min,
            format!(
                "similarity {:.3} < {} in second {} of the source",
                self.similarity_min, demands.similarity_min, self.worst_second
            ),
        );
        demand(
            self.longest_hole_ms <= demands.hole_ms,
            format!(
                "a hole of {} ms > {} ms: {:?}",
                self.longest_hole_ms, demands.hole_ms, self.holes
            ),
        );
        demand(
            self.shift_max_ms <= demands.shift_ms,
            format!("a second is displaced by {} ms > {} ms", self.shift_max_ms, demands.shift_ms),
        );
        complaints
    }
}

#[cfg(test)]
mod tests;
