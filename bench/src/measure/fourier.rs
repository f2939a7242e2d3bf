//! The discrete Fourier transform of real signals, radix 2, sizes that are powers of two.

use std::f32::consts::TAU;

/// Power per frequency of windows of one length.
#[derive(Debug)]
pub struct Spectrum {
    window: Vec<f32>,
    roots: Vec<(f32, f32)>,
    scratch: Vec<(f32, f32)>,
}

impl Spectrum {
    /// For windows of `2^bits` samples; Hann-weighted.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        let size = 1usize << bits;
        let angle = |index: usize| TAU * index as f32 / size as f32;
        Self {
            window: (0..size).map(|i| 0.5 - 0.5 * angle(i).cos()).collect(),
            roots: (0..size / 2).map(|i| (angle(i).cos(), -angle(i).sin())).collect(),
            scratch: vec![(0.0, 0.0); size],
        }
    }

    /// Samples per window.
    #[must_use]
    pub fn size(&self) -> usize {
        self.window.len()
    }

    /// Power at the frequencies `k * rate / size`, `k` from 0 to `size / 2`. A shorter window is
    /// continued with silence, of a longer one only the beginning counts.
    pub fn power(&mut self, samples: &[f32]) -> impl Iterator<Item = f32> {
        self.load(samples);
        self.transform();
        let half = self.size() / 2;
        self.scratch[..=half].iter().map(|(re, im)| re * re + im * im)
    }

    /// Puts the weighted samples in bit-reversed order.
    fn load(&mut self, samples: &[f32]) {
        let bits = self.size().trailing_zeros();
        for (index, weight) in self.window.iter().enumerate() {
            let sample = samples.get(index).copied().unwrap_or(0.0);
            let place = index.reverse_bits() >> (usize::BITS - bits);
            self.scratch[place] = (sample * weight, 0.0);
        }
    }

    fn transform(&mut self) {
        let size = self.size();
        let mut span = 2;
        while span <= size {
            let step = size / span;
            for block in self.scratch.chunks_exact_mut(span) {
                let (even, odd) = block.split_at_mut(span / 2);
                for (k, (a, b)) in even.iter_mut().zip(odd).enumerate() {
                    let (cos, sin) = self.roots[k * step];
                    let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            span *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::Spectrum;

    #[test]
    fn a_tone_shows_at_its_frequency_and_nowhere_else() {
        let mut spectrum = Spectrum::new(10);
        let tone: Vec<f32> = (0..1_024).map(|i| (TAU * 64.0 * i as f32 / 1_024.0).sin()).collect();
        let power: Vec<f32> = spectrum.power(&tone).collect();
        assert_eq!(power.len(), 513);
        // A Hann window has half the amplitude in the bin itself, a quarter in each neighbour.
        assert!((power[64] / (1_024.0f32 / 4.0).powi(2) - 1.0).abs() < 1e-3);
        let elsewhere = power.iter().enumerate().filter(|(k, _)| k.abs_diff(64) > 1);
        assert!(elsewhere.map(|(_, p)| *p).fold(0.0, f32::max) < 1e-3);
    }

    #[test]
    fn it_agrees_with_the_definition() {
        let samples: Vec<f32> = (0..16).map(|i| ((i * i * 7 % 23) as f32) - 11.0).collect();
        let mut spectrum = Spectrum::new(4);
        let weighted: Vec<f32> = samples.iter().zip(&spectrum.window).map(|(s, w)| s * w).collect();
        let fast: Vec<f32> = spectrum.power(&samples).collect();
        for (k, fast) in fast.iter().enumerate() {
            let angle = |i: usize| TAU * (k * i) as f32 / 16.0;
            let re: f32 = weighted.iter().enumerate().map(|(i, s)| s * angle(i).cos()).sum();
            let im: f32 = weighted.iter().enumerate().map(|(i, s)| s * angle(i).sin()).sum();
            assert!((re * re + im * im - fast).abs() < 0.05, "bin {k}");
        }
    }
}
