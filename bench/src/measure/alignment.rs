//! Where in a recording its source begins, and how that drifts: a jitter buffer stretches and
//! squeezes speech, so each second is placed anew near where the last one was.

use super::bands::{BANDS, FRAMES_PER_SECOND, Frame};

/// How far a second may lie from where the one before it suggests, in frames of 10 ms.
const DRIFT_FRAMES_MAX: isize = 12;

/// One second of the source, found in the recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Which second of the source.
    pub second: usize,
    /// How much later it is in the recording, in frames of 10 ms.
    pub lag: isize,
    /// Correlation of loudness over time and bands, -1 to 1; `None` where the source is silent.
    pub similarity: Option<f32>,
}

/// Finds the lag, in frames of 10 ms, at which the whole recording is most like its source;
/// `None` when either is silent.
#[must_use]
pub fn overall_lag(source: &[Frame], recording: &[Frame]) -> Option<isize> {
    let source = centred(source);
    let recording = centred(recording);
    let least = -isize::try_from(source.len()).ok()?;
    let most = isize::try_from(recording.len()).ok()?;
    let mut best: Option<(f32, isize)> = None;
    for lag in least..most {
        let score = product(&source, &recording, lag);
        if score > best.map_or(0.0, |(score, _)| score) {
            best = Some((score, lag));
        }
    }
    best.map(|(_, lag)| lag)
}

/// Places the seconds `range` of the source one by one, starting from `lag`.
#[must_use]
pub fn place_seconds(
    source: &[Frame],
    recording: &[Frame],
    lag: isize,
    range: std::ops::Range<usize>,
) -> Vec<Placed> {
    let source = centred(source);
    let recording = centred(recording);
    let mut around = lag;
    let mut placed = Vec::new();
    for second in range {
        let begin = second * FRAMES_PER_SECOND;
        let Some(piece) = source.get(begin..begin + FRAMES_PER_SECOND) else { break };
        let tries = (around - DRIFT_FRAMES_MAX..=around + DRIFT_FRAMES_MAX)
            .filter_map(|lag| Some((correlation(piece, &recording, begin, lag)?, lag)));
        let best = tries.max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, lag)) = best {
            around = lag;
        }
        let similarity = best.map(|(similarity, _)| similarity);
        // A source that sounds beside a recording that does not is as unlike as can be.
        let similarity = similarity.or_else(|| energy(piece).map(|_| 0.0));
        placed.push(Placed { second, lag: around, similarity });
    }
    placed
}

/// Removes each band's mean, so that a tilt of the spectrum does not count.
fn centred(frames: &[Frame]) -> Vec<Frame> {
    let mut means = [0.0; BANDS];
    for frame in frames {
        for (mean, value) in means.iter_mut().zip(frame) {
            *mean += value / frames.len() as f32;
        }
    }
    let centre = |frame: &Frame| std::array::from_fn(|band| frame[band] - means[band]);
    frames.iter().map(centre).collect()
}

fn product(source: &[Frame], recording: &[Frame], lag: isize) -> f32 {
    let (source, recording) = if lag >= 0 {
        (source, recording.get(lag.unsigned_abs()..).unwrap_or_default())
    } else {
        (source.get(lag.unsigned_abs()..).unwrap_or_default(), recording)
    };
    source.iter().zip(recording).map(|(a, b)| dot(a, b)).sum()
}

fn dot(a: &Frame, b: &Frame) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Pearson's correlation of a piece with the recording at that lag; `None` where either does not vary
/// or the recording does not reach.
fn correlation(piece: &[Frame], recording: &[Frame], begin: usize, lag: isize) -> Option<f32> {
    let begin = begin.checked_add_signed(lag)?;
    let heard = recording.get(begin..begin + piece.len())?;
    let mean =
        |frames: &[Frame]| frames.iter().flatten().sum::<f32>() / (frames.len() * BANDS) as f32;
    let (mean_a, mean_b) = (mean(piece), mean(heard));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in piece.iter().flatten().zip(heard.iter().flatten()) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    energy(piece)?;
    energy(heard)?;
    Some(ab / (aa * bb).sqrt())
}

/// Mean square of the values' distance from their mean in dB squared; `None` below what speech has.
fn energy(frames: &[Frame]) -> Option<f32> {
    const SPEECH_VARIES_DB2: f32 = 4.0;
    let count = (frames.len() * BANDS) as f32;
    let mean = frames.iter().flatten().sum::<f32>() / count;
    let varies = frames.iter().flatten().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
    (varies > SPEECH_VARIES_DB2).then_some(varies)
}
