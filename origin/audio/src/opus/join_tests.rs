//! Joined packets of every framing code, refusals, and what a simple model says of random frames.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::opus::{Packet, SILENT_FRAME, split};

/// Hybrid, 20 ms, mono.
const TOC: u8 = 15 << 3;
/// CELT, 2.5 ms, mono.
const CELT_2_5_MS: u8 = 28 << 3;
/// SILK, 40 and 60 ms, mono.
const SILK_40_MS: u8 = 2 << 3;
const SILK_60_MS: u8 = 3 << 3;

fn units(units: u8) -> FrameDuration {
    FrameDuration::from_units(units).unwrap()
}

fn single(toc: u8, frame: &[u8]) -> Vec<u8> {
    [&[toc][..], frame].concat()
}

fn written(joiner: &Joiner) -> Option<Vec<u8>> {
    let mut out = [0; JOINED_BYTES_MAX];
    joiner.write(&mut out).map(|length| out[..length].to_vec())
}

fn joined(frames: &[&[u8]]) -> Vec<u8> {
    let mut joiner = Joiner::default();
    for frame in frames {
        joiner.push(&single(TOC, frame)).unwrap();
    }
    written(&joiner).unwrap()
}

#[test]
fn one_frame_is_written_as_it_came() {
    assert_eq!(joined(&[&[1, 2, 3]]), [TOC, 1, 2, 3]);
    assert_eq!(joined(&[&SILENT_FRAME[1..]]), [TOC, 0xff, 0xfe]);
}

#[test]
fn two_frames_of_one_size_need_no_length() {
    assert_eq!(joined(&[&[1, 2], &[3, 4]]), [TOC | 1, 1, 2, 3, 4]);
}

#[test]
fn two_frames_of_different_size_carry_the_length_of_the_first() {
    assert_eq!(joined(&[&[1, 2], &[3, 4, 5]]), [TOC | 2, 2, 1, 2, 3, 4, 5]);
}

#[test]
fn three_frames_of_one_size_are_of_constant_rate() {
    assert_eq!(joined(&[&[1, 2], &[3, 4], &[5, 6]]), [TOC | 3, 3, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn three_frames_of_different_size_carry_all_lengths_but_the_last() {
    let expected = [TOC | 3, 0x83, 2, 2, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(joined(&[&[1, 2], &[3, 4], &[5, 6, 7]]), expected);
}

#[test]
fn lengths_from_252_on_take_two_bytes() {
    let head = |length: usize| joined(&[&vec![7; length], &[1, 2]])[1..3].to_vec();
    assert_eq!(head(251), [251, 7]);
    assert_eq!(head(252), [252, 0]);
    assert_eq!(head(255), [255, 0]);
    assert_eq!(head(256), [252, 1]);
    assert_eq!(head(1_003), [255, 187]);
}

#[test]
fn a_joiner_says_what_it_holds_and_forgets_it_when_cleared() {
    let mut joiner = Joiner::default();
    assert_eq!((joiner.is_empty(), joiner.count(), joiner.duration()), (true, 0, None));
    assert_eq!(written(&joiner), None);
    joiner.push(&single(TOC, &[1, 2])).unwrap();
    joiner.push(&single(TOC, &[3, 4, 5])).unwrap();
    assert_eq!((joiner.is_empty(), joiner.count(), joiner.duration()), (false, 2, Some(units(16))));
    joiner.clear();
    assert_eq!((joiner.is_empty(), joiner.count(), joiner.duration()), (true, 0, None));
    joiner.push(&single(CELT_2_5_MS, &[6, 7])).unwrap();
    assert_eq!(written(&joiner), Some(vec![CELT_2_5_MS, 6, 7]));
}

#[test]
fn nothing_is_written_where_the_packet_does_not_fit() {
    let mut joiner = Joiner::default();
    joiner.push(&single(TOC, &[1, 2])).unwrap();
    let mut out = [9; 4];
    assert_eq!(joiner.write(&mut out[..2]), None);
    assert_eq!(joiner.write(&mut out), Some(3));
    assert_eq!(out, [TOC, 1, 2, 9]);
}

#[test]
fn packets_that_travel_whole_are_refused() {
    let whole: [&[u8]; 8] = [
        &[],
        &[TOC],
        &[TOC, 1],
        &[SILK_40_MS, 1, 2, 3],
        &[SILK_60_MS, 1, 2, 3],
        &[TOC | 1, 1, 2, 3, 4],
        &[TOC | 2, 1, 1, 2, 3],
        &[TOC | 3, 0b0100_0001, 1, 2, 3, 0],
    ];
    for packet in whole.into_iter().chain([&single(TOC, &[0; FRAME_BYTES_MAX + 1])[..]]) {
        assert!(!is_joinable(packet), "{packet:?}");
        assert_eq!(Joiner::default().push(packet), Err(Refused::Whole), "{packet:?}");
    }
    assert!(is_joinable(&[TOC, 1, 2]));
    assert!(is_joinable(&single(TOC, &[0; FRAME_BYTES_MAX])));
}

#[test]
fn packets_of_another_configuration_or_channel_count_are_refused() {
    let mut joiner = Joiner::default();
    joiner.push(&single(TOC, &[1, 2])).unwrap();
    for other in [TOC | 0b100, CELT_2_5_MS] {
        assert_eq!(joiner.push(&single(other, &[3, 4])), Err(Refused::Configuration));
    }
    assert_eq!(written(&joiner), Some(vec![TOC, 1, 2]));
}

#[test]
fn no_packet_becomes_longer_than_its_limit_in_time() {
    let mut joiner = Joiner::default();
    for _ in 0..48 {
        joiner.push(&[CELT_2_5_MS, 1, 2]).unwrap();
    }
    assert_eq!(joiner.push(&[CELT_2_5_MS, 1, 2]), Err(Refused::Duration));
    assert_eq!((joiner.count(), joiner.duration()), (48, Some(FrameDuration::MS_120)));
    let mut joiner = Joiner::new(units(24), JOINED_BYTES_MAX);
    for _ in 0..3 {
        joiner.push(&[TOC, 1, 2]).unwrap();
    }
    assert_eq!(joiner.push(&[TOC, 1, 2]), Err(Refused::Duration));
    assert_eq!(Joiner::new(units(4), 100).push(&[TOC, 1, 2]), Err(Refused::Duration));
}

#[test]
fn no_packet_becomes_larger_than_its_limit_in_bytes() {
    let mut joiner = Joiner::default();
    joiner.push(&single(TOC, &[0; 574])).unwrap();
    assert_eq!(joiner.push(&single(TOC, &[0; 575])), Err(Refused::Bytes), "1 + 2 + 574 + 575");
    joiner.push(&single(TOC, &[0; 573])).unwrap();
    assert_eq!(written(&joiner).unwrap().len(), JOINED_BYTES_MAX);
    let mut joiner = Joiner::new(FrameDuration::MS_120, usize::MAX);
    assert_eq!(joiner.push(&single(TOC, &[0; JOINED_BYTES_MAX])), Err(Refused::Bytes));
    joiner.push(&single(TOC, &[0; JOINED_BYTES_MAX - 1])).unwrap();
    let mut joiner = Joiner::new(FrameDuration::MS_120, 7);
    joiner.push(&[TOC, 1, 2, 3]).unwrap();
    joiner.push(&[TOC, 4, 5, 6]).unwrap();
    assert_eq!(joiner.push(&[TOC, 7, 8, 9]), Err(Refused::Bytes));
}

/// The joined packet, written the simple way: header, lengths, frames.
fn model(toc: u8, frames: &[Vec<u8>]) -> Vec<u8> {
    let equal = frames.iter().all(|frame| frame.len() == frames[0].len());
    let count = u8::try_from(frames.len()).unwrap();
    let mut packet = match (count, equal) {
        (1, _) => vec![toc],
        (2, true) => vec![toc | 1],
        (2, false) => vec![toc | 2],
        (_, true) => vec![toc | 3, count],
        (_, false) => vec![toc | 3, count | 0x80],
    };
    for frame in frames[..frames.len() - 1].iter().filter(|_| !equal) {
        match frame.len() {
            short @ ..=251 => packet.push(u8::try_from(short).unwrap()),
            long => {
                let first = (252..256).find(|first| (long - first) % 4 == 0).unwrap();
                packet.push(u8::try_from(first).unwrap());
                packet.push(u8::try_from((long - first) / 4).unwrap());
            }
        }
    }
    packet.extend(frames.concat());
    packet
}

/// TOC bytes that may be joined, often the same one several times in a row.
fn toc() -> impl Strategy<Value = u8> {
    let joinable = |toc: &u8| Toc::new(*toc).frame_duration() <= FrameDuration::MS_20;
    prop_oneof![4 => Just(TOC), 1 => (0..64_u8).prop_map(|toc| toc << 2).prop_filter("", joinable)]
}

/// Frames of a few sizes, so that equal ones meet, and of any size that a client may send.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![2 => vec(any::<u8>(), 80), 1 => vec(any::<u8>(), 2..5), 1 => vec(any::<u8>(), 2..400)]
}

proptest! {
    #[test]
    fn arbitrary_packets_never_panic_and_joinable_ones_are_single_frames(
        packets in vec(vec(any::<u8>(), 0..60), 0..60),
    ) {
        let mut joiner = Joiner::default();
        for packet in &packets {
            let pushed = joiner.push(packet);
            if is_joinable(packet) {
                prop_assert_eq!(Packet::parse(packet).unwrap().count(), 1);
            } else {
                prop_assert_eq!(pushed, Err(Refused::Whole));
            }
        }
    }

    /// Every packet is the model's, and none could have taken the frame that came after it.
    #[test]
    fn what_was_joined_is_as_long_as_allowed_and_splits_into_the_same_frames(
        packets in vec((toc(), frame()), 1..60),
        limits in (8..=48_u8, 500..=JOINED_BYTES_MAX),
    ) {
        let mut joiner = Joiner::new(units(limits.0), limits.1);
        let mut held: (u8, Vec<Vec<u8>>) = (0, Vec::new());
        let mut apart = Vec::new();
        let mut take = |joiner: &Joiner, held: &(u8, Vec<Vec<u8>>)| {
            let packet = Bytes::from(written(joiner).unwrap());
            assert_eq!(packet, model(held.0, &held.1));
            assert_eq!(crate::opus::duration(&packet), joiner.duration());
            apart.extend(split(&packet).unwrap().map(|packet| packet.to_vec()));
        };
        for (toc, frame) in &packets {
            let more = [&held.1[..], std::slice::from_ref(frame)].concat();
            let fits_time = more.len() * usize::from(Toc::new(*toc).frame_duration().units())
                <= usize::from(limits.0);
            let expected = match joiner.is_empty() || held.0 == *toc {
                false => Err(Refused::Configuration),
                true if !fits_time => Err(Refused::Duration),
                true if model(*toc, &more).len() > limits.1 => Err(Refused::Bytes),
                true => Ok(()),
            };
            let pushed = joiner.push(&single(*toc, frame));
            prop_assert_eq!(pushed, expected);
            if pushed.is_ok() {
                held = (*toc, more);
                continue;
            }
            take(&joiner, &held);
            joiner.clear();
            joiner.push(&single(*toc, frame)).unwrap();
            held = (*toc, vec![frame.clone()]);
        }
        take(&joiner, &held);
        let sent: Vec<_> = packets.iter().map(|(toc, frame)| single(*toc, frame)).collect();
        prop_assert_eq!(apart, sent);
    }
}
