//! Packets of every framing code, and hostile ones.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::opus::{SILENT_FRAME, split};

/// CELT, 20 ms, mono.
const CELT_20_MS: u8 = 31 << 3;
/// CELT, 2.5 ms, mono.
const CELT_2_5_MS: u8 = 28 << 3;
/// SILK, 60 ms, mono.
const SILK_60_MS: u8 = 3 << 3;

fn packets(packet: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    Ok(split(&Bytes::copy_from_slice(packet))?.map(|packet| packet.to_vec()).collect())
}

#[test]
fn one_frame_goes_through_without_a_copy() {
    let packet = Bytes::from(vec![CELT_20_MS, 1, 2, 3]);
    let mut frames = split(&packet).unwrap();
    assert_eq!(frames.len(), 1);
    let frame = frames.next().unwrap();
    assert_eq!(frame, packet);
    assert_eq!(frame.as_ptr(), packet.as_ptr());
    assert!(frames.next().is_none());
}

#[test]
fn two_equal_frames_become_two_packets() {
    let expected = vec![vec![CELT_20_MS, 1, 2], vec![CELT_20_MS, 3, 4]];
    assert_eq!(packets(&[CELT_20_MS | 1, 1, 2, 3, 4]), Ok(expected));
    assert_eq!(packets(&[CELT_20_MS | 1, 1, 2, 3]), Err(Malformed::OddLength));
}

#[test]
fn two_frames_of_different_size_become_two_packets() {
    let expected = vec![vec![CELT_20_MS, 1], vec![CELT_20_MS, 2, 3]];
    assert_eq!(packets(&[CELT_20_MS | 2, 1, 1, 2, 3]), Ok(expected));
    assert_eq!(packets(&[CELT_20_MS | 2, 4, 1, 2, 3]), Err(Malformed::PastEnd));
    assert_eq!(packets(&[CELT_20_MS | 2]), Err(Malformed::PastEnd));
    assert_eq!(packets(&[CELT_20_MS | 2, 252]), Err(Malformed::PastEnd));
}

#[test]
fn a_length_of_two_bytes_is_read() {
    let mut packet = vec![CELT_20_MS | 2, 252, 1];
    packet.extend([7; 256]);
    packet.push(9);
    let frames = packets(&packet).unwrap();
    assert_eq!((frames[0].len(), &frames[1]), (257, &vec![CELT_20_MS, 9]));
}

#[test]
fn counted_frames_of_constant_rate_become_packets() {
    let expected = vec![vec![CELT_20_MS, 1], vec![CELT_20_MS, 2], vec![CELT_20_MS, 3]];
    assert_eq!(packets(&[CELT_20_MS | 3, 3, 1, 2, 3]), Ok(expected));
    assert_eq!(packets(&[CELT_20_MS | 3, 2, 1, 2, 3]), Err(Malformed::Uneven));
    assert_eq!(packets(&[CELT_20_MS | 3]), Err(Malformed::Padding));
}

#[test]
fn a_padded_packet_stays_whole_without_a_copy_and_counts_as_one_frame() {
    let padded = Bytes::from_static(&[CELT_20_MS | 3, 0b0100_0011, 2, 1, 2, 3, 0, 0]);
    let mut frames = split(&padded).unwrap();
    assert_eq!((frames.len(), frames.frame_duration().units()), (1, 3 * 8));
    let frame = frames.next().unwrap();
    assert_eq!(frame, padded);
    assert_eq!(frame.as_ptr(), padded.as_ptr());
    assert!(frames.next().is_none());
    let variable = [CELT_20_MS | 3, 0b1100_0010, 1, 1, 1, 2, 3, 0];
    assert_eq!(packets(&variable), Ok(vec![variable.to_vec()]));
    let of_no_bytes = [CELT_20_MS | 3, 0b0100_0001, 0, 1];
    assert_eq!(packets(&of_no_bytes), Ok(vec![of_no_bytes.to_vec()]));
}

#[test]
fn padding_that_is_longer_than_the_packet_is_refused() {
    assert_eq!(packets(&[CELT_20_MS | 3, 0b0100_0001, 9, 1]), Err(Malformed::Padding));
    assert_eq!(packets(&[CELT_20_MS | 3, 0b0100_0001, 255]), Err(Malformed::Padding));
}

#[test]
fn padding_of_more_than_254_bytes_is_no_part_of_a_frame() {
    let mut packet = vec![CELT_20_MS | 3, 0b0100_0001, 255, 1, 42];
    packet.extend([0; 255]);
    let parsed = Packet::parse(&packet).unwrap();
    assert!(parsed.is_padded());
    assert_eq!(parsed.frames().collect::<Vec<_>>(), [[42]]);
}

#[test]
fn the_size_without_padding_is_that_of_toc_and_frames() {
    assert_eq!(unpadded_bytes(&[CELT_20_MS | 3, 0b0100_0011, 2, 1, 2, 3, 0, 0]), 4);
    assert_eq!(unpadded_bytes(&[CELT_20_MS | 3, 0b0100_0001, 9, 1]), 0, "malformed");
    for unpadded in [&[CELT_20_MS, 1, 2][..], &[CELT_20_MS | 3, 2, 1, 2], &[CELT_20_MS], &[]] {
        assert_eq!(unpadded_bytes(unpadded), unpadded.len());
    }
}

#[test]
fn counted_frames_of_variable_rate_are_split_by_their_lengths() {
    let expected = vec![vec![CELT_20_MS, 1, 1], vec![CELT_20_MS], vec![CELT_20_MS, 3]];
    assert_eq!(packets(&[CELT_20_MS | 3, 0b1000_0011, 2, 0, 1, 1, 3]), Ok(expected));
    assert_eq!(packets(&[CELT_20_MS | 3, 0b1000_0011, 2]), Err(Malformed::PastEnd));
}

#[test]
fn packets_without_frames_or_of_too_much_audio_are_refused() {
    assert_eq!(packets(&[]), Err(Malformed::Empty));
    assert_eq!(packets(&[CELT_20_MS | 3, 0]), Err(Malformed::NoFrames));
    assert_eq!(packets(&[CELT_20_MS | 3, 7]), Err(Malformed::TooMuchAudio));
    assert_eq!(packets(&[SILK_60_MS | 3, 3]), Err(Malformed::TooMuchAudio));
    assert_eq!(duration(&[CELT_20_MS | 3, 7]), None);
    assert_eq!(packets(&[CELT_2_5_MS | 3, 48]).unwrap().len(), FRAMES_MAX);
}

#[test]
fn a_frame_of_more_than_1275_bytes_is_refused() {
    let mut packet = vec![CELT_20_MS];
    packet.extend([0; FRAME_BYTES_MAX]);
    assert!(packets(&packet).is_ok());
    packet.push(0);
    assert_eq!(packets(&packet), Err(Malformed::FrameTooLong));
}

#[test]
fn long_frames_stay_whole_and_a_bare_toc_is_a_frame() {
    assert_eq!(packets(&[SILK_60_MS, 5]), Ok(vec![vec![SILK_60_MS, 5]]));
    assert_eq!(duration(&[SILK_60_MS, 5]).unwrap().units(), 24);
    assert_eq!(packets(&[SILK_60_MS]), Ok(vec![vec![SILK_60_MS]]));
}

#[test]
fn the_silent_frame_is_a_single_one_of_20_ms() {
    assert_eq!(packets(&SILENT_FRAME), Ok(vec![SILENT_FRAME.to_vec()]));
    assert_eq!(duration(&SILENT_FRAME), Some(FrameDuration::MS_20));
}

/// Builds a packet of code 3 from frames, the other way round than the code under test.
fn joined(toc: u8, frames: &[Vec<u8>], padding: Option<usize>) -> Vec<u8> {
    let mut packet = vec![toc | 3, 0b1000_0000 | u8::try_from(frames.len()).unwrap()];
    if let Some(padding) = padding {
        packet[1] |= 0b100_0000;
        packet.extend(std::iter::repeat_n(255, padding / 254));
        packet.push(u8::try_from(padding % 254).unwrap());
    }
    for frame in &frames[..frames.len() - 1] {
        let length = frame.len();
        if length < 252 {
            packet.push(u8::try_from(length).unwrap());
        } else {
            let first = 252 + (length - 252) % 4;
            packet.push(u8::try_from(first).unwrap());
            packet.push(u8::try_from((length - first) / 4).unwrap());
        }
    }
    packet.extend(frames.concat());
    packet.extend(vec![0; padding.unwrap_or(0)]);
    packet
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_durations_add_up(bytes in vec(any::<u8>(), 0..1_500)) {
        let whole = duration(&bytes);
        if let Ok(frames) = split(&Bytes::from(bytes)) {
            let each = frames.frame_duration();
            let mut units = 0;
            for frame in frames {
                prop_assert_eq!(duration(&frame), Some(each));
                let parsed = Packet::parse(&frame).unwrap();
                prop_assert!(parsed.count() == 1 || parsed.is_padded());
                units += each.units();
            }
            prop_assert_eq!(whole.map(FrameDuration::units), Some(units));
        }
    }

    #[test]
    fn what_was_joined_comes_apart_again_unless_it_is_padded(
        frames in vec(vec(any::<u8>(), 0..600), 1..=6),
        padding in proptest::option::of(0_usize..1_000),
    ) {
        let packet = joined(CELT_20_MS, &frames, padding);
        let parsed = Packet::parse(&packet).unwrap();
        prop_assert_eq!(parsed.is_padded(), padding.is_some());
        prop_assert!(parsed.frames().eq(frames.iter().map(Vec::as_slice)));
        let singles = frames.iter().map(|frame| [&[CELT_20_MS][..], frame].concat()).collect();
        let expected = if padding.is_some() { vec![packet.clone()] } else { singles };
        prop_assert_eq!(packets(&packet).unwrap(), expected);
    }
}
