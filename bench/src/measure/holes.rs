//! Stretches in which a recording is silent although its source sounds.

use super::wav::Recording;

/// Blocks in which loudness is taken, per second: 5 ms each.
const BLOCKS_PER_SECOND: usize = 200;
/// The source sounds where it is at most this far below its own speech level, in dB.
const SOUNDS_DB: f32 = 25.0;
/// The recording is silent where it is at least this far below its own speech level, in dB.
const SILENT_DB: f32 = 40.0;
/// The source must sound this many blocks around a place on both sides, because lags are known to 10 ms.
const MARGIN: usize = 3;

/// Silence where there should be sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hole {
    /// Where it begins, in seconds of the recording.
    pub at_s: f64,
    /// From the first to the last moment at which the source sounds in it, in ms.
    pub lasts_ms: u32,
}

/// Finds all holes. `source_time` tells which second of the source sounds at a second of the
/// recording; `None` leaves that moment out.
#[must_use]
pub fn find(
    source: &Recording,
    recording: &Recording,
    source_time: impl Fn(f64) -> Option<f64>,
) -> Vec<Hole> {
    let said = loudness(source);
    let heard = loudness(recording);
    let sounds = sounds(&said);
    let silent = speech_level(&heard) - SILENT_DB;
    let sounds_at = |block: usize| {
        let time = source_time((block as f64 + 0.5) / BLOCKS_PER_SECOND as f64)?;
        let block = block_at(time)?;
        sounds.get(block).copied()
    };
    let mut holes = Vec::new();
    let mut missing: Option<(usize, usize)> = None;
    for (block, level) in heard.iter().chain(std::iter::once(&f32::MAX)).enumerate() {
        if *level >= silent {
            holes.extend(missing.take().map(|(first, last)| hole(first, last)));
        } else if sounds_at(block) == Some(true) {
            missing = Some((missing.map_or(block, |(first, _)| first), block));
        }
    }
    holes
}

fn hole(first: usize, last: usize) -> Hole {
    let blocks = u32::try_from(last - first + 1).unwrap_or(u32::MAX);
    Hole { at_s: first as f64 / BLOCKS_PER_SECOND as f64, lasts_ms: blocks.saturating_mul(5) }
}

fn block_at(time_s: f64) -> Option<usize> {
    if time_s < 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and a recording has at most an hour"
    )]
    Some((time_s * BLOCKS_PER_SECOND as f64) as usize)
}

/// Loudness of each block in dBFS.
fn loudness(recording: &Recording) -> Vec<f32> {
    let size = (recording.rate as usize / BLOCKS_PER_SECOND).max(1);
    let level = |block: &[f32]| {
        let power = block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32;
        10.0 * (power + 1e-12).log10()
    };
    recording.samples.chunks_exact(size).map(level).collect()
}

/// The level that a tenth of all blocks exceed: the louder sounds of speech, whatever the pauses.
fn speech_level(levels: &[f32]) -> f32 {
    let mut sorted = levels.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(f32::MIN)
}

/// Where the source sounds, and has been and will be sounding for a moment.
fn sounds(levels: &[f32]) -> Vec<bool> {
    let threshold = speech_level(levels) - SOUNDS_DB;
    let around = |block: usize| {
        levels[block.saturating_sub(MARGIN)..(block + MARGIN + 1).min(levels.len())]
            .iter()
            .all(|level| *level > threshold)
    };
    (0..levels.len()).map(around).collect()
}
