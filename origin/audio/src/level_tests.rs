//! Honest senders are believed, liars are not, and senders without levels still get one.

use proptest::prelude::*;

use super::*;

const MS_20: FrameDuration = FrameDuration::MS_20;

fn claim(minus_dbov: u8, voice: bool) -> Claim {
    Claim { level: Level::from_minus_dbov(minus_dbov), voice }
}

/// What is believed of the last of `count` equal frames.
fn weighed(judge: &mut Judge, claim: Claim, payload: usize, count: usize) -> Claim {
    (0..count).map(|_| judge.weigh(claim, payload, MS_20)).last().unwrap()
}

#[test]
fn the_extension_byte_is_voice_bit_and_level() {
    assert_eq!(Claim::from_byte(0x80), claim(0, true));
    assert_eq!(Claim::from_byte(0x7f), claim(127, false));
    assert_eq!(Claim::from_byte(0x9e), claim(30, true));
}

#[test]
fn honest_speech_is_believed_as_it_is_at_every_usual_bitrate() {
    // 16, 24, 32 and 48 kbit/s in 20 ms frames.
    for payload in [40, 60, 80, 120] {
        let believed = weighed(&mut Judge::default(), claim(25, true), payload, 500);
        assert_eq!(believed, claim(25, true), "{payload} bytes");
    }
}

#[test]
fn speech_at_12_kbit_per_second_loses_a_few_decibels_at_most() {
    let believed = weighed(&mut Judge::default(), claim(25, true), 31, 500);
    assert!(believed.voice && believed.level.minus_dbov() <= 30, "{believed:?}");
}

#[test]
fn silence_is_silent_whatever_is_claimed() {
    for payload in 0..=SILENCE_BYTES_MAX + 1 {
        let believed = Judge::default().weigh(claim(0, true), payload, MS_20);
        assert_eq!(believed, claim(127, false));
    }
}

#[test]
fn packets_too_small_for_speech_are_no_voice_and_not_loud() {
    let believed = Judge::default().weigh(claim(0, true), 8, MS_20);
    assert!(!believed.voice && believed.level.minus_dbov() >= 30, "{believed:?}");
}

#[test]
fn a_track_that_always_claims_too_much_is_believed_less_than_an_honest_speaker() {
    let liar = weighed(&mut Judge::default(), claim(0, true), 16, 500);
    assert!(liar.level.minus_dbov() >= 38, "{liar:?}");
}

#[test]
fn a_claim_of_full_scale_wins_nothing_over_a_loud_voice() {
    let believed = weighed(&mut Judge::default(), claim(0, true), 160, 500);
    assert_eq!(believed, claim(10, true));
}

#[test]
fn long_frames_are_measured_by_their_rate() {
    let long = FrameDuration::from_units(24).unwrap();
    let believed = Judge::default().weigh(claim(20, true), 30, long);
    assert!(!believed.voice, "10 bytes in 20 ms are no speech");
}

#[test]
fn a_sender_that_never_sets_the_voice_bit_is_heard_by_his_level() {
    let mut judge = Judge::default();
    assert!(judge.weigh(claim(30, false), 80, MS_20).voice);
    assert!(!judge.weigh(claim(70, false), 80, MS_20).voice);
    judge.weigh(claim(30, true), 80, MS_20);
    assert!(!judge.weigh(claim(30, false), 80, MS_20).voice, "now the bit is meaningful");
}

#[test]
fn without_the_extension_large_packets_are_voice_and_small_ones_are_not() {
    let mut judge = Judge::default();
    for _ in 0..50 {
        judge.guess(20, MS_20);
        judge.guess(90, MS_20);
    }
    let (quiet, loud) = (judge.guess(20, MS_20), judge.guess(90, MS_20));
    assert!(!quiet.voice && loud.voice);
    assert!(loud.level < quiet.level, "{loud:?} {quiet:?}");
    assert_eq!(judge.guess(1, MS_20), claim(127, false));
}

#[test]
fn without_the_extension_a_constant_rate_still_counts_as_voice() {
    let mut judge = Judge::default();
    assert!((0..200).all(|_| judge.guess(81, MS_20).voice));
}

#[test]
fn a_guess_is_believed_when_it_is_weighed_by_the_owner() {
    let (mut edge, mut owner) = (Judge::default(), Judge::default());
    for payload in [90, 60, 120, 80].into_iter().cycle().take(200) {
        let guess = edge.guess(payload, MS_20);
        assert_eq!(owner.weigh(guess, payload, MS_20), guess);
    }
}

proptest! {
    #[test]
    fn no_claim_is_made_louder_than_it_was(
        frames in proptest::collection::vec((any::<u8>(), 0_usize..500, 1_u8..=48), 1..200),
    ) {
        let mut judge = Judge::default();
        for (byte, payload, units) in frames {
            let claim = Claim::from_byte(byte);
            let duration = FrameDuration::from_units(units).unwrap();
            let believed = judge.weigh(claim, payload, duration);
            prop_assert!(believed.level >= claim.level);
            judge.guess(payload, duration);
        }
    }

    #[test]
    fn more_bytes_are_never_usually_quieter(size in 0_u32..1_000) {
        prop_assert!(usual_level(size + 1) <= usual_level(size));
    }
}
