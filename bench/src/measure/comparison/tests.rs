//! The comparison judges recordings that are known to be good or bad.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Comparison, ComparisonError, Demands, compare};
use crate::measure::speech::{RATE, speak};
use crate::measure::wav::Recording;

const SECONDS: usize = 12;
const SECOND: usize = RATE as usize;

#[test]
fn a_delayed_quieter_and_noisy_copy_is_good_and_its_lag_is_found() {
    let source = speak(1, SECONDS);
    let mut rng = StdRng::seed_from_u64(9);
    let mut heard = silence(700);
    heard.extend(source.samples.iter().map(|s| s * 0.4 + rng.random_range(-0.0004..0.0004f32)));
    heard.extend(silence(500));
    let found = judge(&source, heard);
    assert_eq!(found.lag_ms, 700);
    assert_eq!(found.complaints(&Demands::default()), Vec::<String>::new(), "{found:?}");
}

#[test]
fn a_recording_that_begins_late_is_found_by_a_negative_lag() {
    let source = speak(2, SECONDS);
    let heard = Recording { rate: RATE, samples: source.samples[2 * SECOND..].to_vec() };
    let found = compare(&source, &heard, 3..SECONDS - 1).unwrap();
    assert_eq!(found.lag_ms, -2_000);
    assert!(found.complaints(&Demands::default()).is_empty(), "{found:?}");
}

#[test]
fn another_speech_is_refused() {
    let found = judge(&speak(3, SECONDS), speak(4, SECONDS).samples);
    assert!(found.similarity_mean < 0.5, "{found:?}");
    assert!(!found.complaints(&Demands::default()).is_empty());
}

#[test]
fn swapped_parts_are_refused() {
    let source = speak(5, SECONDS);
    let half = source.samples.len() / 2;
    let swapped = [&source.samples[half..], &source.samples[..half]].concat();
    let found = judge(&source, swapped);
    assert!(found.similarity_min < 0.5, "{found:?}");
}

#[test]
fn one_foreign_second_is_noticed_and_named() {
    let source = speak(6, SECONDS);
    let mut heard = source.samples.clone();
    let foreign = speak(7, SECONDS);
    heard[4 * SECOND..5 * SECOND].copy_from_slice(&foreign.samples[4 * SECOND..5 * SECOND]);
    let found = judge(&source, heard);
    assert_eq!(found.worst_second, 4);
    assert!(!found.complaints(&Demands::default()).is_empty(), "{found:?}");
}

#[test]
fn a_hole_of_80_ms_in_sound_is_found_and_one_of_40_ms_is_tolerated() {
    let source = speak(8, SECONDS);
    let loud = longest_sound(&source, 5 * SECOND..6 * SECOND);
    for (lasts_ms, tolerated) in [(40, true), (80, false)] {
        let mut heard = source.samples.clone();
        heard[loud..loud + lasts_ms * SECOND / 1_000].fill(0.0);
        let found = judge(&source, heard);
        let complains = found.complaints(&Demands::default());
        assert_eq!(complains.is_empty(), tolerated, "{lasts_ms} ms: {found:?}");
        let length = found.longest_hole_ms as usize;
        assert!(length.abs_diff(lasts_ms) <= 5, "{lasts_ms} ms was taken for {length} ms");
    }
}

#[test]
fn pauses_of_the_source_are_no_holes() {
    let source = speak(9, SECONDS);
    let pauses = source.samples.windows(4_000).any(|w| w.iter().all(|s| *s == 0.0));
    assert!(pauses, "the source has pauses over 80 ms");
    assert_eq!(judge(&source, source.samples.clone()).holes, []);
}

#[test]
fn a_skip_of_200_ms_is_noticed() {
    let source = speak(10, SECONDS);
    let heard =
        [&source.samples[..6 * SECOND], &source.samples[6 * SECOND + SECOND / 5..]].concat();
    let found = judge(&source, heard);
    assert!(!found.complaints(&Demands::default()).is_empty(), "{found:?}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let source = speak(11, 3);
    let silent = Recording { rate: RATE, samples: silence(3_000) };
    assert_eq!(compare(&source, &silent, 0..3), Err(ComparisonError::Silent("recording")));
    let slow = Recording { rate: 44_100, ..source.clone() };
    assert!(matches!(compare(&source, &slow, 0..3), Err(ComparisonError::Rates { .. })));
    let error = compare(&source, &source, 0..9).unwrap_err();
    assert_eq!(error, ComparisonError::TooShort { from: 0, to: 9, has: 3 });
}

/// Compares all but the edges, which a recording need not hold.
fn judge(source: &Recording, samples: Vec<f32>) -> Comparison {
    compare(source, &Recording { rate: RATE, samples }, 1..SECONDS - 1).unwrap()
}

fn silence(ms: usize) -> Vec<f32> {
    vec![0.0; ms * SECOND / 1_000]
}

/// Where the loudest 100 ms begin.
fn longest_sound(source: &Recording, range: std::ops::Range<usize>) -> usize {
    let power = |at: usize| source.samples[at..at + SECOND / 10].iter().map(|s| s * s).sum::<f32>();
    range.step_by(480).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap()
}
