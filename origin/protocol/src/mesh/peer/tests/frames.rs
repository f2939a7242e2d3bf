//! Tracks, and the frames that travel under their aliases.

use std::time::Duration;

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, PAYLOAD_BYTES_MAX, TrackId};

use super::pair::{EDGE, Lose, ORIGIN, Pair, config, frame, params};
use crate::mesh::VARINT_MAX;
use crate::mesh::control::{BindTrack, Body, Control};
use crate::mesh::peer::{
    AGGREGATION, Config, Event, PARKED_RECORDS_MAX, PeerError, TRACKS_PER_LINK_MAX, TrackParams,
};

#[test]
fn a_frame_arrives_as_it_was_sent() {
    let mut pair = Pair::active();
    pair.send(EDGE, &frame(1, 5));
    pair.run_ms(20);
    assert_eq!(pair.frames(ORIGIN), [frame(1, 5)]);
    let bound = pair.sides[ORIGIN].events.iter().find_map(|(_, event)| match event {
        Event::Bound(bound) => Some((**bound).clone()),
        _ => None,
    });
    assert_eq!(bound, Some(params(1)));
}

#[test]
fn frames_of_several_tracks_share_a_datagram_that_leaves_within_a_millisecond() {
    let mut pair = Pair::up();
    for track in 0..5 {
        pair.bind(EDGE, track);
    }
    pair.run_ms(50);
    let (sent, begun) = (pair.paths[EDGE].sent.len(), pair.now);
    for track in 0..5 {
        pair.send(EDGE, &frame(track, 0));
    }
    assert_eq!(pair.paths[EDGE].sent.len(), sent);
    pair.run_until(begun + AGGREGATION);
    assert_eq!(pair.paths[EDGE].sent[sent..].len(), 1);
    assert_eq!(pair.paths[EDGE].sent[sent].0, begun + AGGREGATION);
    pair.run_ms(20);
    assert_eq!(pair.frames(ORIGIN).len(), 5);
}

#[test]
fn a_full_datagram_leaves_at_once_and_none_exceeds_the_limit() {
    let mut pair = Pair::up();
    for track in 0..40 {
        pair.bind(EDGE, track);
    }
    pair.run_ms(50);
    pair.sides[EDGE].peer.set_datagram_size_max(500, pair.now);
    let sent = pair.paths[EDGE].sent.len();
    for track in 0..40 {
        pair.send(EDGE, &frame(track, 0));
    }
    // 40 records of 87 bytes, five to a datagram of 500.
    assert_eq!(pair.paths[EDGE].sent.len() - sent, 7);
    pair.run_ms(20);
    assert!(pair.paths[EDGE].sent.iter().all(|(_, datagram)| datagram.len() <= 500));
    assert_eq!(pair.frames(ORIGIN).len(), 40);
}

#[test]
fn a_flush_does_not_wait_for_company() {
    let mut pair = Pair::active();
    let sent = pair.paths[EDGE].sent.len();
    pair.sides[EDGE].peer.send_frame(&frame(1, 0), pair.now);
    pair.sides[EDGE].peer.flush(pair.now);
    pair.drain();
    assert_eq!(pair.paths[EDGE].sent.len(), sent + 1);
}

#[test]
fn frames_that_overtake_their_binding_are_delivered_after_it() {
    let mut pair = Pair::up();
    pair.paths[EDGE].control_delay = Duration::from_millis(60);
    pair.bind(EDGE, 1);
    pair.speak(0..5);
    pair.run_ms(100);
    assert_eq!(pair.numbers(ORIGIN), [0, 8, 16, 24, 32]);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().unknown_alias, 0);
}

#[test]
fn frames_that_overtake_their_binding_by_far_are_counted_and_dropped() {
    let mut pair = Pair::up();
    pair.paths[EDGE].control_delay = Duration::from_secs(1);
    pair.bind(EDGE, 1);
    pair.speak(0..3);
    pair.run_ms(1_500);
    assert!(pair.frames(ORIGIN).is_empty());
    assert_eq!(pair.sides[ORIGIN].peer.statistics().unknown_alias, 3);
}

#[test]
fn records_of_unknown_aliases_wait_up_to_a_maximum() {
    let mut pair = Pair::up();
    pair.paths[EDGE].control_delay = Duration::from_millis(200);
    pair.bind(EDGE, 1);
    for number in 0..PARKED_RECORDS_MAX as u64 + 10 {
        pair.send(EDGE, &frame(1, number));
    }
    pair.run_ms(300);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().unknown_alias, 10);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().frames_late, 0);
}

#[test]
fn an_unbound_track_is_told_once_and_sends_no_more() {
    let mut pair = Pair::active();
    pair.send(EDGE, &frame(1, 0));
    pair.sides[EDGE].peer.unbind(TrackId(1), pair.now).unwrap();
    pair.send(EDGE, &frame(1, 1));
    pair.run_ms(20);
    let last: Vec<&Event> = pair.sides[ORIGIN].events.iter().map(|(_, event)| event).collect();
    assert!(matches!(last[..], [.., Event::Unbound(TrackId(1))]), "{last:?}");
    let again = pair.sides[EDGE].peer.unbind(TrackId(1), pair.now);
    assert_eq!(again, Err(PeerError::NotBound));
    assert_eq!(pair.sides[EDGE].peer.statistics().frames_refused, 1);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().tracks_in, 0);
}

#[test]
fn a_newer_epoch_replaces_the_binding_and_frames_of_the_old_one_stay_here() {
    let mut pair = Pair::active();
    let newer = TrackParams { epoch: Epoch(2), ..params(1) };
    pair.sides[EDGE].peer.bind(newer, pair.now).unwrap();
    pair.send(EDGE, &frame(1, 0));
    pair.send(EDGE, &Frame { epoch: Epoch(2), ..frame(1, 1) });
    pair.run_ms(30);
    assert_eq!(pair.frames(ORIGIN), [Frame { epoch: Epoch(2), ..frame(1, 1) }]);
    assert_eq!(pair.sides[EDGE].peer.statistics().frames_refused, 1);
    assert_eq!(pair.sides[EDGE].peer.bind(params(1), pair.now), Err(PeerError::OldEpoch));
}

#[test]
fn frames_outside_the_limits_are_counted_and_not_sent() {
    let mut pair = Pair::active();
    let sized = |bytes: usize| Frame { payload: Bytes::from(vec![1; bytes]), ..frame(1, 0) };
    let mut far = frame(1, 0);
    far.number.0 = VARINT_MAX + 1;
    for frame in [sized(0), sized(PAYLOAD_BYTES_MAX + 1), far] {
        pair.send(EDGE, &frame);
    }
    pair.sides[EDGE].peer.set_datagram_size_max(300, pair.now);
    pair.send(EDGE, &sized(PAYLOAD_BYTES_MAX));
    assert_eq!(pair.sides[EDGE].peer.statistics().over_limit, 4);
    assert_eq!(pair.sides[EDGE].peer.statistics().frames_out, 0);
}

#[test]
fn without_redundancy_and_repair_every_lost_datagram_is_a_lost_frame() {
    let mut pair = Pair::active_without_repair(0);
    pair.paths[EDGE].lose = Lose::Every(4);
    pair.speak(0..100);
    pair.run_ms(50);
    // The echoes between the frames take their share of the losses.
    assert!((70..=85).contains(&pair.numbers(ORIGIN).len()), "{}", pair.numbers(ORIGIN).len());
}

#[test]
fn one_frame_that_rides_along_repairs_every_single_loss_in_order() {
    let mut pair = Pair::with(config(ORIGIN), Config { redundancy: 1, ..config(EDGE) });
    pair.run_ms(30);
    pair.bind(EDGE, 1);
    pair.run_ms(30);
    pair.paths[EDGE].lose = Lose::Every(4);
    pair.speak(0..100);
    pair.run_ms(50);
    let numbers = pair.numbers(ORIGIN);
    assert!(numbers.is_sorted());
    assert!(numbers.len() >= 99, "only the last may be missing: {}", numbers.len());
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert!(statistics.frames_recovered >= 20, "{statistics:?}");
    assert_eq!(statistics.frames_in, numbers.len() as u64);
}

#[test]
fn three_frames_that_ride_along_leave_few_holes_at_twenty_percent_loss() {
    let mut pair = Pair::active_without_repair(3);
    pair.paths[EDGE].lose = Lose::Independently(0.2);
    pair.speak(0..5_000);
    pair.run_ms(50);
    let lost = 5_000 - pair.numbers(ORIGIN).len();
    // 0.2^4 of 5,000 is 8.
    assert!((1..=20).contains(&lost), "{lost}");
}

#[test]
fn frames_of_a_pause_ago_and_of_the_same_datagram_do_not_ride_along() {
    let mut pair = Pair::with(config(ORIGIN), Config { redundancy: 3, ..config(EDGE) });
    pair.run_ms(30);
    pair.bind(EDGE, 1);
    pair.run_ms(30);
    for number in [0, 1, 2] {
        pair.send(EDGE, &frame(1, number));
    }
    pair.run_ms(20);
    pair.send(EDGE, &frame(1, 40));
    pair.run_ms(20);
    assert_eq!(pair.sides[EDGE].peer.statistics().redundant_out, 0);
    assert_eq!(pair.numbers(ORIGIN).len(), 4);
}

#[test]
fn redundancy_gives_way_to_the_size_of_a_datagram() {
    let edge = Config { redundancy: 3, datagram_bytes_max: 300, ..config(EDGE) };
    let mut pair = Pair::with(config(ORIGIN), edge);
    pair.run_ms(30);
    pair.bind(EDGE, 1);
    pair.run_ms(30);
    pair.speak(0..10);
    pair.run_ms(20);
    assert_eq!(pair.numbers(ORIGIN).len(), 10);
    // Three records of 87 bytes fit into 300 beside the header; the last frames ride alone.
    assert_eq!(pair.sides[EDGE].peer.statistics().redundant_out, 1 + 8 * 2 + 3);
}

#[test]
fn a_peer_cannot_bind_more_tracks_than_the_maximum() {
    let mut pair = Pair::up();
    for track in 0..TRACKS_PER_LINK_MAX as u64 + 3 {
        let bind = bind_track(track, track);
        pair.sides[ORIGIN].peer.handle_control(bind, pair.now);
    }
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((statistics.tracks_in, statistics.over_limit), (TRACKS_PER_LINK_MAX, 3));
}

#[test]
fn a_second_binding_of_an_alias_or_a_track_is_refused() {
    let mut pair = Pair::up();
    for (alias, track) in [(1, 1), (1, 2), (2, 1)] {
        pair.sides[ORIGIN].peer.handle_control(bind_track(alias, track), pair.now);
    }
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((statistics.tracks_in, statistics.refused), (1, 2));
}

fn bind_track(alias: u64, track: u64) -> Control {
    let alias = u32::try_from(alias).unwrap();
    let bind = BindTrack { alias, track, room: "agora".to_owned(), ..BindTrack::default() };
    Control { body: Some(Body::BindTrack(bind)) }
}
