//! A voice enters at Amsterdam and is heard at Singapore.

use serde_json::json;
use stoa_bench::measure::comparison::{Comparison, Demands, compare};
use stoa_bench::measure::wav::{self, Recording};

use crate::browser;
use crate::demo::Demo;
use crate::speech::{STORY_S, story};
use crate::turn;

/// Seconds of the story that are compared: neither its first words, at which the jitter buffer finds
/// its length, nor its end.
const COMPARED: std::ops::Range<usize> = 4..36;

/// Share of samples that Chromium may have to invent: what it does while it settles at the start.
const CONCEALED_MAX: f64 = 0.02;

#[test]
fn a_voice_enters_at_amsterdam_and_is_heard_at_singapore_without_a_hole() {
    let _turn = turn::take();
    let speech = story();
    let demo = Demo::start(STORY_S + 60);
    let recording = turn::folder().join("heard.wav");
    let counted = browser::tell(
        "voice.mjs",
        &json!({
            "speech": speech,
            "seconds": STORY_S,
            "speaker": demo.way_in("ams", "speaker", "whip"),
            "listener": demo.way_in("sin", "listener", "whep"),
            "recording": recording,
        }),
    );
    let source = wav::read(&speech).unwrap();
    let heard = wav::read(&recording).unwrap();
    let found = compare(&source, &heard, COMPARED).unwrap();
    assert_eq!(found.complaints(&Demands::default()), [""; 0], "{found:?}\nChromium: {counted}");
    assert!(found.seconds_with_sound >= 30, "{found:?}");
    assert_eq!(counted["packetsLost"], 0, "{counted}");
    let share = counted["concealedSamples"].as_f64().unwrap()
        / counted["totalSamplesReceived"].as_f64().unwrap();
    assert!(share <= CONCEALED_MAX, "{share} of all samples are invented: {counted}");
    the_judge_refuses_broken_recordings(&source, &heard, &found);
}

/// A measurement that never fails measures nothing: the same recording, broken, must be refused.
fn the_judge_refuses_broken_recordings(source: &Recording, heard: &Recording, found: &Comparison) {
    let rate = heard.rate as usize;
    let broken = |break_it: &dyn Fn(&mut [f32])| {
        let mut samples = heard.samples.clone();
        break_it(&mut samples);
        let complaints = compare(source, &Recording { rate: heard.rate, samples }, COMPARED)
            .map(|found| found.complaints(&Demands::default()));
        complaints.is_err() || complaints.is_ok_and(|complaints| !complaints.is_empty())
    };
    assert!(broken(&|samples| samples.fill(0.0)), "silence passes for speech");
    assert!(broken(&|samples| samples.reverse()), "speech played backwards passes");
    assert!(
        broken(&|samples| {
            let (first, second) = samples[10 * rate..30 * rate].split_at_mut(10 * rate);
            first.swap_with_slice(second);
        }),
        "swapped halves pass"
    );
    // Loud syllables, so that the hole is not in a pause of the speech.
    let loudest = loudest(heard, 100);
    assert!(
        broken(&|samples| samples[loudest..loudest + rate / 10].fill(0.0)),
        "a hole of 100 ms passes; without it: {found:?}"
    );
}

/// Where the loudest `ms` begin, within what is compared.
fn loudest(heard: &Recording, ms: usize) -> usize {
    let rate = heard.rate as usize;
    let length = rate * ms / 1_000;
    let power = |at: &usize| heard.samples[*at..at + length].iter().map(|s| s * s).sum::<f32>();
    let places = (8 * rate..30 * rate).step_by(rate / 100);
    places.max_by(|a, b| power(a).total_cmp(&power(b))).unwrap()
}
