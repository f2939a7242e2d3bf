//! A recording as loudness in 24 bands every 10 ms: coarse enough to survive a codec, fine enough
//! that no two sentences look alike.

use super::fourier::Spectrum;
use super::wav::Recording;

/// Bands from 100 Hz to 7 kHz, evenly spaced on the ear's scale.
pub const BANDS: usize = 24;
/// Frames in a second.
pub const FRAMES_PER_SECOND: usize = 100;

const LOWEST_HZ: f32 = 100.0;
const HIGHEST_HZ: f32 = 7_000.0;
/// What lies this far below the loudest cell counts as silence, in dB.
const RANGE_DB: f32 = 45.0;

/// One frame: loudness per band in dB over the bottom of the range; 0 is silence.
pub type Frame = [f32; BANDS];

/// Loudness per band for every 10 ms.
#[must_use]
pub fn analyse(recording: &Recording) -> Vec<Frame> {
    let rate = recording.rate as f32;
    let hop = recording.rate as usize / FRAMES_PER_SECOND;
    // About 21 ms at 48 kHz: shorter than a sound of speech, longer than a period of a voice.
    let mut spectrum = Spectrum::new(if recording.rate > 24_000 { 10 } else { 9 });
    let edges = edges(rate, spectrum.size());
    let count = recording.samples.len() / hop.max(1);
    let mut frames = Vec::with_capacity(count);
    for index in 0..count {
        let power: Vec<f32> = spectrum.power(&recording.samples[index * hop..]).collect();
        let mut frame = [0.0; BANDS];
        for (value, edge) in frame.iter_mut().zip(edges.windows(2)) {
            let sum: f32 = power[edge[0]..edge[1]].iter().sum();
            *value = 10.0 * (sum + 1e-12).log10();
        }
        frames.push(frame);
    }
    clamp(&mut frames);
    frames
}

/// First frequency bin of each band, and the end of the last; each band holds at least one bin.
fn edges(rate: f32, size: usize) -> Vec<usize> {
    let mel = |hz: f32| (1.0 + hz / 700.0).ln();
    let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ.min(rate / 2.0)));
    let mut edges: Vec<usize> = Vec::with_capacity(BANDS + 1);
    for band in 0..=BANDS {
        let hz = 700.0 * ((low + (high - low) * band as f32 / BANDS as f32).exp() - 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bin's number: positive, below the size of the window"
        )]
        let bin = (hz * size as f32 / rate).round() as usize;
        let least = edges.last().map_or(1, |last| last + 1);
        edges.push(bin.max(least).min(size / 2));
    }
    edges
}

/// Shifts so that silence is 0.
fn clamp(frames: &mut [Frame]) {
    let loudest = frames.iter().flatten().copied().fold(f32::MIN, f32::max);
    let bottom = loudest - RANGE_DB;
    for value in frames.iter_mut().flatten() {
        *value = (*value - bottom).max(0.0);
    }
}
