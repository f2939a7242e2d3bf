//! What is lost is asked for and sent again, within bounds.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::pair::{EDGE, Lose, ORIGIN, Pair, config, frame, without_repair};
use crate::mesh::datagram::{Kind, VERSION, decode_header};
use crate::mesh::identity::MISBEHAVIOUR_PER_MINUTE_MAX;
use crate::mesh::peer::Config;

#[test]
fn every_frame_comes_although_every_fifth_datagram_is_lost_both_ways() {
    let mut pair = Pair::active();
    pair.set_paths(10, 0, Lose::Every(5));
    pair.speak(0..500);
    pair.set_paths(10, 0, Lose::Nothing);
    pair.run_ms(200);
    assert_eq!(pair.numbers(ORIGIN).len(), 500);
    let (edge, origin) = (pair.sides[EDGE].peer.statistics(), pair.sides[ORIGIN].peer.statistics());
    assert_eq!(edge.redundant_out, 0);
    assert!(origin.frames_repaired >= 60, "{origin:?}");
    assert_eq!(origin.frames_repaired, origin.frames_recovered);
    assert!(edge.repairs_out >= origin.frames_repaired && edge.repair_bytes_out > 0, "{edge:?}");
}

#[test]
fn the_last_frame_before_a_pause_is_asked_for_before_the_next_one() {
    let mut pair = Pair::active();
    pair.speak(0..10);
    let lost_at = pair.now;
    pair.paths[EDGE].cut = true;
    pair.send(EDGE, &frame(1, 10));
    pair.run_ms(2);
    pair.paths[EDGE].cut = false;
    pair.run_ms(80);
    let frames: Vec<_> = pair.sides[ORIGIN].frame_times();
    let (at, number) = frames[10];
    assert_eq!(number, 80);
    // The way, a millisecond of waiting for company, at most until the next beat, then a round trip.
    assert!(at - lost_at <= Duration::from_millis(10 + 1 + 20 + 20 + 1), "{:?}", at - lost_at);
}

#[test]
fn lost_beats_of_a_pause_and_of_an_idle_link_are_not_asked_for() {
    let mut pair = Pair::active();
    pair.speak(0..10);
    pair.run_ms(200);
    let before = pair.sides[ORIGIN].peer.statistics().repairs_asked;
    pair.set_paths(10, 0, Lose::Independently(0.2));
    pair.run_ms(20_000);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().repairs_asked, before);
    assert_eq!(pair.sides[EDGE].peer.statistics().repairs_asked, 0);
}

#[test]
fn a_peer_of_an_older_version_is_not_asked_and_hears_everything() {
    for older in [ORIGIN, EDGE] {
        let mut configs = [config(ORIGIN), config(EDGE)];
        configs[older] = without_repair(configs[older].clone());
        let [origin, edge] = configs;
        let mut pair = Pair::with(origin, Config { redundancy: 1, ..edge });
        pair.run_ms(30);
        pair.bind(EDGE, 1);
        pair.run_ms(30);
        pair.paths[EDGE].lose = Lose::Every(4);
        pair.speak(0..200);
        pair.run_ms(100);
        assert!(pair.numbers(ORIGIN).len() >= 199);
        for side in [ORIGIN, EDGE] {
            let statistics = pair.sides[side].peer.statistics();
            assert_eq!((statistics.repairs_asked, statistics.repairs_out), (0, 0));
            assert_eq!((statistics.refused, statistics.malformed), (0, 0));
        }
    }
}

#[test]
fn jitter_and_reordering_alone_cost_few_questions() {
    let mut pair = Pair::active();
    pair.set_paths(10, 5, Lose::Nothing);
    pair.speak(0..5_000);
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert!(statistics.repairs_asked <= 50, "{statistics:?}");
    assert_eq!(pair.numbers(ORIGIN).len(), 5_000);
}

#[test]
fn a_repair_fits_into_the_path_however_full_the_datagram_was() {
    let mut pair = Pair::up();
    for track in 0..40 {
        pair.bind(EDGE, track);
    }
    pair.run_ms(50);
    pair.sides[EDGE].peer.set_datagram_size_max(500, pair.now);
    pair.set_paths(10, 0, Lose::Every(3));
    for number in 0..100 {
        for track in 0..40 {
            pair.send(EDGE, &frame(track, number));
        }
        pair.run_ms(20);
    }
    assert!(pair.paths[EDGE].sent.iter().all(|(_, datagram)| datagram.len() <= 500));
    assert!(pair.sides[EDGE].peer.statistics().repairs_out > 100);
}

#[test]
fn who_asks_for_everything_again_gets_no_more_than_half_of_what_was_sent() {
    let mut pair = Pair::active();
    pair.speak(0..20);
    pair.run_ms(40);
    let before = pair.sides[EDGE].peer.statistics();
    let mut answered = 0;
    for number in 20..220 {
        pair.send(EDGE, &frame(1, number));
        pair.run_ms(20);
        let newest = decode_header(&pair.paths[EDGE].sent.last().unwrap().1).unwrap().0.sequence;
        let back: Vec<u8> = (1..=20).collect();
        pair.sides[EDGE].peer.handle_datagram(nack(1_000 + number, newest, &back), pair.now);
        pair.drain();
        answered += 1;
    }
    let after = pair.sides[EDGE].peer.statistics();
    let (sent, again) = (after.bytes_out - before.bytes_out, after.repair_bytes_out);
    assert_eq!(answered, 200);
    assert!(again <= sent, "{again} of {sent} bytes");
    assert!(after.repairs_refused > after.repairs_out, "{after:?}");
    assert!(pair.sides[EDGE].peer.is_up());
}

#[test]
fn who_asks_without_end_or_for_what_was_never_sent_is_cut_off() {
    let mut pair = Pair::active();
    pair.speak(0..5);
    let edge = &mut pair.sides[EDGE].peer;
    let mut asked = 0;
    while edge.is_up() {
        edge.handle_datagram(nack(2_000 + asked, 3, &[1]), pair.now);
        asked += 1;
    }
    assert_eq!(asked, 300 + u64::from(MISBEHAVIOUR_PER_MINUTE_MAX) + 1);
    let mut pair = Pair::active();
    let edge = &mut pair.sides[EDGE].peer;
    for index in 0..=u64::from(MISBEHAVIOUR_PER_MINUTE_MAX) {
        edge.handle_datagram(nack(2_000 + index, 1 << 40, &[1]), pair.now);
    }
    assert!(edge.is_closed());
}

#[test]
fn late_frames_of_a_hop_before_ride_along_as_often_as_others() {
    let mut pair = Pair::active_without_repair(2);
    for numbers in [&[0, 1][..], &[3], &[2, 4], &[5], &[6]] {
        for number in numbers {
            pair.send(EDGE, &frame(1, *number));
        }
        pair.run_ms(20);
    }
    pair.run_ms(60);
    assert_eq!(pair.sides[EDGE].peer.statistics().redundant_out, 2 * 7);
    let origin = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((origin.frames_in, origin.duplicates), (7, 14));
}

/// A question as its bytes are on the wire.
fn nack(sequence: u64, highest: u64, back: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(VERSION << 4 | 3);
    out.put_u64(sequence | 0b11 << 62);
    out.put_u32(0);
    out.put_u8(0);
    out.put_u64(highest | 0b11 << 62);
    out.put_u8(u8::try_from(back.len()).unwrap());
    out.put_slice(back);
    let datagram = out.freeze();
    assert_eq!(decode_header(&datagram).unwrap().0.kind, Kind::Nack);
    datagram
}
