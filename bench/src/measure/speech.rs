//! Test-only: something like speech, made of numbers: syllables of voiced and noisy sounds with pauses.

use std::f32::consts::TAU;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::wav::Recording;

pub(crate) const RATE: u32 = 48_000;

/// Different seeds say different things.
pub(crate) fn speak(seed: u64, seconds: usize) -> Recording {
    let mut rng = StdRng::seed_from_u64(seed);
    let wanted = seconds * RATE as usize;
    let mut samples = Vec::with_capacity(wanted);
    while samples.len() < wanted {
        match rng.random_range(0..10) {
            0 => samples.extend(std::iter::repeat_n(0.0, rng.random_range(4_000..12_000))),
            1..=3 => noise(&mut rng, &mut samples),
            _ => vowel(&mut rng, &mut samples),
        }
    }
    samples.truncate(wanted);
    Recording { rate: RATE, samples }
}

fn vowel(rng: &mut StdRng, samples: &mut Vec<f32>) {
    let length = rng.random_range(3_000..9_000);
    let pitch = rng.random_range(90.0..220.0f32);
    let formants = [rng.random_range(250.0..900.0), rng.random_range(900.0..2_600.0f32)];
    let harmonics: Vec<(f32, f32)> = (1u8..30)
        .map(|n| {
            let hz = pitch * f32::from(n);
            let near = |formant: f32| (-((hz - formant) / 180.0).powi(2)).exp();
            (hz, 0.02 + near(formants[0]) + 0.5 * near(formants[1]))
        })
        .collect();
    for i in 0..length {
        let time = i as f32 / RATE as f32;
        let swell = (TAU / 2.0 * i as f32 / length as f32).sin();
        let sum: f32 = harmonics.iter().map(|(hz, gain)| gain * (TAU * hz * time).sin()).sum();
        samples.push(0.12 * swell * sum);
    }
}

fn noise(rng: &mut StdRng, samples: &mut Vec<f32>) {
    let length = rng.random_range(2_000..5_000);
    let colour = rng.random_range(0.1..0.9f32);
    let mut last = 0.0;
    for i in 0..length {
        let swell = (TAU / 2.0 * i as f32 / length as f32).sin();
        last = colour * last + (1.0 - colour) * rng.random_range(-1.0..1.0f32);
        samples.push(0.2 * swell * last);
    }
}
