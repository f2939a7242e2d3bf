//! Which frames leave together, and when.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
/// CELT, fullband, 20 ms, mono; the same in stereo.
const CELT: u8 = 31 << 3;
const STEREO: u8 = CELT | 4;
/// SILK, wideband, 60 ms.
const LONG: u8 = 11 << 3;

fn piece(cell: u64, toc: u8) -> Piece {
    let samples = if toc == LONG { 2_880 } else { 960 };
    let payload = Bytes::from(vec![toc, 1, 2, u8::try_from(cell % 251).unwrap()]);
    Piece { start: cell * 960, samples, marker: false, except: None, payload }
}

/// What left: when, and which cells it began with.
type Left = Vec<(u64, Vec<u64>)>;

/// Lets frames arrive `late` ms after their end and notes what leaves, by the ms.
fn run(length: PacketLength, phase: u8, frames: &[(Piece, u64)]) -> Left {
    let start = Instant::now();
    let (mut pace, mut joiner) = (Pace::default(), Joiner::default());
    let (mut packetizer, mut out) = (Packetizer::new(length, phase), Vec::new());
    let mut left = Left::new();
    let last = frames.iter().map(|(piece, late)| piece.end() / 48 + late).max().unwrap_or(0);
    for ms in 0..=last + 300 {
        let now = start + MS * u32::try_from(ms).unwrap();
        for (piece, _) in frames.iter().filter(|(piece, late)| piece.end() / 48 + late == ms) {
            pace.note(piece.end(), false, now);
            packetizer.push(piece.clone());
        }
        while packetizer.next(now, &pace, &mut joiner, &mut out) {
            left.push((ms, out.iter().map(|piece| piece.start / 960).collect()));
        }
        let next = packetizer.poll_timeout(&pace, &mut joiner, now);
        assert!(next.is_none_or(|next| next > now), "what is due has left");
    }
    assert_eq!(packetizer.waiting().count(), 0, "nothing stays");
    left
}

fn on_time(pieces: impl IntoIterator<Item = Piece>) -> Vec<(Piece, u64)> {
    pieces.into_iter().map(|piece| (piece, 0)).collect()
}

#[test]
fn a_full_packet_leaves_with_its_last_frame() {
    let frames = on_time((0..6).map(|cell| piece(cell, CELT)));
    let left = run(PacketLength::Ms60, 0, &frames);
    assert_eq!(left, [(60, vec![0, 1, 2]), (120, vec![3, 4, 5])]);
    let left = run(PacketLength::Ms20, 0, &frames[..2]);
    assert_eq!(left, [(20, vec![0]), (40, vec![1])]);
}

#[test]
fn every_20_ms_one_phase_of_each_length_sends() {
    let frames = on_time((0..120).map(|cell| piece(cell, CELT)));
    for length in PacketLength::ALL {
        let mut sending = vec![0; 121];
        for phase in 0..length.cells() {
            for (ms, cells) in run(length, phase, &frames) {
                let full = cells.len() == usize::from(length.cells());
                if full {
                    sending[usize::try_from(ms / 20).unwrap()] += 1;
                }
            }
        }
        let settled = usize::from(length.cells()) * 2;
        assert!(sending[settled..=120].iter().all(|phases| *phases == 1), "{length:?} {sending:?}");
    }
}

#[test]
fn a_packet_that_is_cut_short_leaves_at_the_age_of_a_full_one() {
    let frames = on_time([piece(0, CELT), piece(1, STEREO), piece(2, STEREO), piece(3, CELT)]);
    let left = run(PacketLength::Ms60, 0, &frames);
    assert_eq!(left[..2], [(60, vec![0]), (80, vec![1, 2])]);
}

#[test]
fn long_frames_and_pauses_travel_alone_at_the_same_age() {
    let mut silent = piece(3, CELT);
    silent.payload = Bytes::from_static(&[CELT]);
    let frames = on_time([piece(0, LONG), silent, piece(4, CELT), piece(5, CELT)]);
    let left = run(PacketLength::Ms120, 0, &frames);
    assert_eq!(left[..2], [(120, vec![0]), (180, vec![3])]);
    assert_eq!(left[2].1, [4, 5]);
}

#[test]
fn a_missing_frame_is_waited_for_as_long_as_frames_are_usually_late() {
    let frames = on_time([piece(0, CELT), piece(1, CELT), piece(3, CELT), piece(4, CELT)]);
    let left = run(PacketLength::Ms60, 0, &frames);
    // The fifth frame closes nothing: it begins the next stretch. The margin of the wait is 5 ms.
    assert_eq!(left[0], (65, vec![0, 1]));
    let late = [(piece(0, CELT), 0), (piece(1, CELT), 4), (piece(2, CELT), 4)];
    assert_eq!(run(PacketLength::Ms60, 0, &late), [(64, vec![0, 1, 2])]);
}

#[test]
fn a_frame_that_comes_late_is_put_in_order_or_leaves_at_once() {
    let swapped = [(piece(0, CELT), 0), (piece(1, CELT), 21), (piece(2, CELT), 0)];
    assert_eq!(run(PacketLength::Ms60, 0, &swapped)[0].1, [0]);
    let in_time = [(piece(0, CELT), 0), (piece(1, CELT), 4), (piece(2, CELT), 0)];
    let earlier = run(PacketLength::Ms120, 0, &in_time);
    assert_eq!(earlier[0].1, [0, 1, 2]);
}

#[test]
fn frames_of_different_people_never_share_a_packet() {
    let mut other = piece(1, CELT);
    other.except = Some(SessionId(7));
    let left = run(PacketLength::Ms60, 0, &on_time([piece(0, CELT), other, piece(2, CELT)]));
    assert_eq!(left.iter().map(|(_, cells)| cells.len()).collect::<Vec<_>>(), [1, 1, 1]);
}

proptest! {
    #[test]
    fn every_frame_leaves_once_in_order_in_packets_of_allowed_length(
        length in proptest::sample::select(&PacketLength::ALL[..]),
        phase in 0u8..6,
        frames in vec((proptest::sample::select(&[CELT, CELT, CELT, STEREO][..]), 0u64..30, 0u8..10), 1..80),
    ) {
        let frames: Vec<_> = (0u64..)
            .zip(frames)
            .filter(|(_, (.., lost))| *lost > 0)
            .map(|(cell, (toc, late, _))| (piece(cell, toc), late))
            .collect();
        let left = run(length, phase % length.cells(), &frames);
        let mut heard: Vec<u64> = left.iter().flat_map(|(_, cells)| cells.clone()).collect();
        for (_, cells) in &left {
            prop_assert!(cells.len() <= usize::from(length.cells()));
            prop_assert!(cells.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no hole in a packet");
        }
        heard.sort_unstable();
        let sent: Vec<u64> = frames.iter().map(|(piece, _)| piece.start / 960).collect();
        prop_assert_eq!(heard, sent);
        for (ms, cells) in &left {
            // Nothing waits longer than a full packet, the longest patience and its own lateness.
            prop_assert!(*ms <= cells[0] * 20 + u64::from(length.ms()) + 60 + 30);
        }
    }
}
