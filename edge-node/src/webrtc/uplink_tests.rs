//! Microphones that behave, and some that do not.

use std::time::Duration;

use proptest::prelude::*;
use stoa_audio::frame::Level;
use str0m::rtp::{RedEncoder, RedundantBlock};

use super::*;

const OPUS: u8 = 111;
const RED: u8 = 63;

fn uplink() -> Uplink {
    Uplink::new(TrackId(9), PayloadTypes { opus: OPUS, red: Some(RED) })
}

/// A 20 ms CELT frame, fullband, mono (RFC 6716 table 2: configuration 31), one frame a packet.
fn opus_20ms(mark: u8) -> Vec<u8> {
    vec![31 << 3, mark, 1, 2, 3]
}

fn packet(payload_type: u8, timestamp: u64, payload: Vec<u8>) -> Packet {
    Packet {
        payload_type,
        timestamp,
        claim: Some(Claim { level: Level::from_minus_dbov(30), voice: true }),
        payload: payload.into(),
    }
}

fn numbers(uplink: &mut Uplink, packet: &Packet, now: Instant) -> Vec<u64> {
    let mut numbers = Vec::new();
    uplink.handle_packet(packet, now, |frame| numbers.push(frame.number.0));
    numbers
}

#[test]
fn frames_are_numbered_by_their_time() {
    let (mut uplink, now) = (uplink(), Instant::now());
    let mut at = |timestamp| numbers(&mut uplink, &packet(OPUS, timestamp, opus_20ms(0)), now);
    assert_eq!(at(5_000), [400]);
    assert_eq!(at(5_960), [408]);
    assert_eq!(at(5_960 + 9_600), [488]);
    assert_eq!(at(5_960 + 4_800), [448], "late but new");
    assert_eq!(at(5_960), Vec::<u64>::new(), "seen before");
    assert_eq!(at(5_000 - 960), [392], "older than the first, still new");
}

#[test]
fn redundancy_fills_what_was_lost_and_nothing_else() {
    let (mut uplink, now) = (uplink(), Instant::now());
    let red = |timestamp, primary: u8| {
        let redundant =
            [RedundantBlock { pt: OPUS, timestamp_offset: 960, payload: opus_20ms(primary - 1) }];
        packet(RED, timestamp, RedEncoder::encode(OPUS, &opus_20ms(primary), &redundant))
    };
    assert_eq!(numbers(&mut uplink, &red(96_000, 1), now), [400 - 8, 400]);
    assert_eq!(numbers(&mut uplink, &red(96_960, 2), now), [408]);
    assert_eq!(numbers(&mut uplink, &red(98_880, 4), now), [416, 424], "one packet was lost");
    let counters = uplink.take_counters();
    assert_eq!((counters.frames, counters.recovered), (5, 2));
}

#[test]
fn a_packet_of_three_frames_becomes_three_frames() {
    let (mut uplink, now) = (uplink(), Instant::now());
    // Code 3, constant bit rate, three frames of two bytes (RFC 6716 section 3.2.5).
    let payload = vec![31 << 3 | 3, 3, 10, 11, 20, 21, 30, 31];
    let mut frames = Vec::new();
    uplink.handle_packet(&packet(OPUS, 960, payload), now, |frame| frames.push(frame));
    assert_eq!(frames.iter().map(|f| f.number.0).collect::<Vec<_>>(), [400, 408, 416]);
    assert_eq!(&frames[2].payload[..], [31 << 3, 30, 31]);
}

#[test]
fn what_was_not_negotiated_or_is_no_opus_is_counted() {
    let (mut uplink, now) = (uplink(), Instant::now());
    assert_eq!(numbers(&mut uplink, &packet(0, 960, opus_20ms(0)), now), Vec::<u64>::new());
    assert_eq!(numbers(&mut uplink, &packet(OPUS, 960, vec![]), now), Vec::<u64>::new());
    assert_eq!(numbers(&mut uplink, &packet(RED, 960, vec![0xff]), now), Vec::<u64>::new());
    let mut large = opus_20ms(0);
    large.resize(PAYLOAD_BYTES_MAX + 1, 0);
    assert_eq!(numbers(&mut uplink, &packet(OPUS, 960, large), now), Vec::<u64>::new());
    let counters = uplink.take_counters();
    assert_eq!(counters.unknown_payload_type, 1);
    assert_eq!(counters.malformed, 2);
    assert_eq!(counters.too_large, 1);
    assert_eq!(counters.frames, 0);
}

#[test]
fn numbers_go_on_when_the_clients_clock_jumps() {
    let (mut uplink, now) = (uplink(), Instant::now());
    let mut at = |timestamp, ms| {
        let now = now + Duration::from_millis(ms);
        numbers(&mut uplink, &packet(OPUS, timestamp, opus_20ms(0)), now)
    };
    assert_eq!(at(48_000 * 1_000, 0), [400]);
    assert_eq!(at(48_000 * 2_000, 20), [400 + 128], "1,000 s ahead");
    assert_eq!(at(48_000 * 2_000 + 960, 40), [408 + 128]);
    assert_eq!(at(48_000 * 10, 6_060), [408 + 256], "back");
    assert_eq!(at(48_000 * 10 + 960, 6_080), [416 + 256]);
}

#[test]
fn after_a_rest_numbers_count_the_time_and_redundancy_tells_nothing_of_it() {
    let (mut uplink, now) = (uplink(), Instant::now());
    let at = |ms| now + Duration::from_millis(ms);
    assert_eq!(numbers(&mut uplink, &packet(OPUS, 96_000, opus_20ms(0)), at(0)), [400]);
    uplink.resume();
    let before = [RedundantBlock { pt: OPUS, timestamp_offset: 960, payload: opus_20ms(1) }];
    // The client's clock has stood still meanwhile.
    let red = packet(RED, 96_960, RedEncoder::encode(OPUS, &opus_20ms(2), &before));
    assert_eq!(numbers(&mut uplink, &red, at(10_020)), [400 + 4_008]);
    assert_eq!(numbers(&mut uplink, &packet(OPUS, 96_000, opus_20ms(0)), at(10_025)), [0; 0]);
    assert_eq!(numbers(&mut uplink, &packet(OPUS, 97_920, opus_20ms(3)), at(10_040)), [4_416]);
    uplink.resume();
    uplink.resume();
    let next = numbers(&mut uplink, &packet(OPUS, 98_880, opus_20ms(4)), at(10_060));
    assert_eq!(next, [4_416 + FRAME_MAX], "however short the rest");
}

#[test]
fn who_is_let_in_late_tells_nothing_of_before() {
    let (mut uplink, now) = (uplink(), Instant::now());
    uplink.resume();
    let before = [RedundantBlock { pt: OPUS, timestamp_offset: 960, payload: opus_20ms(1) }];
    let red = packet(RED, 96_960, RedEncoder::encode(OPUS, &opus_20ms(2), &before));
    assert_eq!(numbers(&mut uplink, &red, now), [400]);
}

#[test]
fn a_clock_that_jumps_all_the_time_brings_no_flood_of_frames() {
    let (mut uplink, now) = (uplink(), Instant::now());
    let mut frames = 0;
    for packet_number in 0..10_000u64 {
        let now = now + Duration::from_millis(packet_number);
        let timestamp = 48_000 * (100 + 6 * (packet_number % 2));
        frames += numbers(&mut uplink, &packet(OPUS, timestamp, opus_20ms(0)), now).len();
    }
    assert!(frames <= 6, "{frames} frames in 10 s of a clock that goes nowhere");
    assert!(uplink.take_counters().erratic > 4_000);
}

proptest! {
    #[test]
    fn no_number_is_given_twice(packets in proptest::collection::vec(
        (any::<bool>(), 0u64..1_000_000, proptest::collection::vec(any::<u8>(), 0..40)), 0..60)
    ) {
        let (mut uplink, now) = (uplink(), Instant::now());
        let mut seen = std::collections::BTreeSet::new();
        for (red, timestamp, payload) in packets {
            let packet = packet(if red { RED } else { OPUS }, timestamp, payload);
            uplink.handle_packet(&packet, now, |frame| {
                assert!(seen.insert(frame.number), "{:?} twice", frame.number);
            });
        }
    }
}
