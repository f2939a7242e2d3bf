//! What a link learns about its path.

use std::time::Duration;

use super::pair::{EDGE, Lose, ORIGIN, Pair};
use crate::mesh::control::{Body, Control};

#[test]
fn both_sides_know_the_round_trip_as_soon_as_they_are_up_and_keep_it() {
    let mut pair = Pair::new();
    pair.set_paths(10, 0, Lose::Nothing);
    pair.run_ms(1_050);
    for side in [ORIGIN, EDGE] {
        let statistics = pair.sides[side].peer.statistics();
        assert_eq!(statistics.rtt_latest, Some(Duration::from_millis(20)), "{statistics:?}");
        assert_eq!(statistics.rtt_smoothed, statistics.rtt_min);
    }
}

#[test]
fn the_round_trip_is_measured_while_frames_flow_one_way() {
    let mut pair = Pair::active();
    pair.paths[ORIGIN].delay = Duration::from_millis(70);
    pair.speak(0..100);
    for side in [ORIGIN, EDGE] {
        let statistics = pair.sides[side].peer.statistics();
        assert_eq!(statistics.rtt_latest, Some(Duration::from_millis(80)), "{statistics:?}");
        assert_eq!(statistics.rtt_min, Some(Duration::from_millis(20)));
    }
}

#[test]
fn jitter_is_that_of_one_direction() {
    let mut pair = Pair::active();
    pair.paths[EDGE].jitter = Duration::from_millis(12);
    pair.run_ms(10_000);
    // The mean difference of two even draws from 12 ms is 4 ms.
    let jitter = pair.sides[ORIGIN].peer.statistics().jitter;
    assert!(jitter.abs_diff(Duration::from_millis(4)) < Duration::from_millis(2), "{jitter:?}");
    assert!(pair.sides[EDGE].peer.statistics().jitter < Duration::from_micros(100));
}

#[test]
fn loss_is_found_by_the_receiver_and_reported_to_the_sender_once_a_second() {
    let mut pair = Pair::active();
    pair.paths[EDGE].lose = Lose::Every(10);
    pair.run_ms(10_000);
    let origin = pair.sides[ORIGIN].peer.statistics();
    assert!((80..=120).contains(&origin.loss_in_permille), "{origin:?}");
    assert!((45..=55).contains(&origin.datagrams_lost), "{origin:?}");
    let edge = pair.sides[EDGE].peer.statistics();
    assert!((80..=120).contains(&edge.loss_out_permille), "{edge:?}");
    assert_eq!(edge.datagrams_lost, 0);
    let reports = pair.sides[ORIGIN].control.iter().filter(|control| is_report(control));
    assert_eq!(reports.count(), 10);
}

#[test]
fn reordering_is_neither_loss_nor_duplication() {
    let mut pair = Pair::active();
    // Jitter of three beats turns their order round.
    pair.paths[EDGE].jitter = Duration::from_millis(60);
    pair.speak(0..500);
    pair.run_ms(200);
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((statistics.datagrams_lost, statistics.datagrams_duplicate), (0, 0));
    assert_eq!(statistics.frames_in, 500);
    assert!(!pair.numbers(ORIGIN).is_sorted());
}

#[test]
fn a_repeated_datagram_is_dropped_whole() {
    let mut pair = Pair::active();
    pair.speak(0..3);
    pair.run_ms(20);
    let (now, sent) = (pair.now, pair.paths[EDGE].sent.clone());
    let taken = pair.sides[ORIGIN].peer.statistics();
    for (_, datagram) in sent {
        pair.sides[ORIGIN].peer.handle_datagram(datagram, now);
    }
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert_eq!(statistics.frames_in, taken.frames_in);
    assert!(statistics.datagrams_duplicate > 3);
}

#[test]
fn both_ends_agree_on_what_was_sent() {
    let mut pair = Pair::active();
    pair.speak(0..100);
    pair.run_ms(5);
    let edge = pair.sides[EDGE].peer.statistics();
    pair.paths[EDGE].cut = true;
    pair.run_ms(15);
    let origin = pair.sides[ORIGIN].peer.statistics();
    assert_eq!(edge.datagrams_out, origin.datagrams_in);
    assert_eq!(edge.bytes_out, origin.bytes_in);
    assert_eq!(edge.beats_out, origin.beats_in);
    assert_eq!((edge.frames_out, origin.frames_in), (100, 100));
}

fn is_report(control: &Control) -> bool {
    matches!(control.body, Some(Body::Reception(_)))
}
