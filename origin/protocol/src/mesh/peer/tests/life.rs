//! Beats, and how a silent peer is found out without false alarms.

use std::time::Duration;

use super::pair::{EDGE, Lose, ORIGIN, Pair};
use crate::mesh::datagram::{Kind, decode_header};
use crate::mesh::peer::{BEAT_ACTIVE, BEAT_IDLE, Event, SILENCE_ACTIVE_MIN, SILENCE_IDLE};

const MINUTE_MS: u64 = 60_000;

#[test]
fn an_active_link_beats_each_20_ms_in_both_directions_and_an_idle_one_each_half_second() {
    let mut pair = Pair::up();
    pair.run_ms(5_000);
    assert_eq!(gaps(&pair, ORIGIN), [BEAT_IDLE; 10]);
    pair.bind(EDGE, 1);
    pair.run_ms(100);
    for side in [ORIGIN, EDGE] {
        pair.paths[side].sent.clear();
    }
    pair.run_ms(1_000);
    for side in [ORIGIN, EDGE] {
        let gaps = gaps(&pair, side);
        assert_eq!(gaps.len(), 49);
        assert!(gaps.iter().all(|gap| *gap == BEAT_ACTIVE), "{gaps:?}");
    }
}

#[test]
fn a_link_that_loses_its_last_track_calms_down_without_alarm() {
    let mut pair = Pair::active();
    pair.set_paths(40, 5, Lose::Independently(0.2));
    pair.run_ms(10_000);
    let now = pair.now;
    pair.sides[EDGE].peer.unbind(stoa_audio::frame::TrackId(1), now).unwrap();
    pair.drain();
    pair.run_ms(20_000);
    for side in [ORIGIN, EDGE] {
        assert_eq!(pair.down(side), None);
        pair.paths[side].sent.clear();
    }
    pair.set_paths(40, 0, Lose::Nothing);
    pair.run_ms(5_500);
    assert!(
        (10..=12).contains(&pair.paths[ORIGIN].sent.len()),
        "{}",
        pair.paths[ORIGIN].sent.len()
    );
}

#[test]
fn frames_are_beats_and_echoes_go_on_between_them() {
    let mut pair = Pair::active();
    let (before, _) = kinds(&pair);
    pair.speak(0..50);
    let (beats, media) = kinds(&pair);
    assert_eq!(media, 50);
    // One second: an echo each 100 ms, give or take the beat at either end.
    assert!((9..=12).contains(&(beats - before)), "{}", beats - before);
}

#[test]
fn a_dead_link_is_found_out_within_its_limit_when_active() {
    let mut pair = Pair::active();
    pair.run_ms(20_000);
    let cut = cut(&mut pair);
    pair.run_ms(1_000);
    for side in [ORIGIN, EDGE] {
        let (at, reason) = pair.down(side).unwrap();
        let silent = at - cut;
        // The last datagram before the cut may have left 20 ms before it, and needs 10 ms.
        let bounds =
            SILENCE_ACTIVE_MIN - BEAT_ACTIVE..=SILENCE_ACTIVE_MIN + Duration::from_millis(10);
        assert!(bounds.contains(&silent), "{silent:?}");
        assert_eq!(reason, "the peer was silent for 120 ms");
        assert!(pair.sides[side].events.iter().any(|(_, event)| *event == Event::Suspect));
        assert!(pair.sides[side].closed.is_some());
    }
}

#[test]
fn a_dead_link_is_found_out_within_its_longer_limit_at_twenty_percent_loss() {
    let mut pair = Pair::active();
    pair.set_paths(40, 10, Lose::Independently(0.2));
    pair.run_ms(30_000);
    let limit = pair.sides[ORIGIN].peer.statistics().silence_max;
    assert!(limit > Duration::from_millis(200) && limit <= Duration::from_millis(600), "{limit:?}");
    let cut = cut(&mut pair);
    pair.run_ms(1_000);
    let silent = pair.down(ORIGIN).unwrap().0 - cut;
    assert!(silent <= limit + Duration::from_millis(50), "{silent:?} of {limit:?}");
}

#[test]
fn a_dead_idle_link_is_found_out_in_three_and_a_half_seconds() {
    let mut pair = Pair::up();
    pair.run_ms(10_500);
    let cut = cut(&mut pair);
    pair.run_ms(5_000);
    let silent = pair.down(EDGE).unwrap().0 - cut;
    assert!(silent <= SILENCE_IDLE && silent >= SILENCE_IDLE - BEAT_IDLE, "{silent:?}");
}

#[test]
fn an_hour_of_twenty_percent_loss_raises_no_false_alarm_on_an_active_link() {
    let mut pair = Pair::active();
    pair.set_paths(80, 15, Lose::Independently(0.2));
    no_alarm_in(&mut pair, 60);
}

#[test]
fn an_hour_of_twenty_percent_loss_raises_no_false_alarm_on_an_idle_link() {
    let mut pair = Pair::up();
    pair.set_paths(80, 15, Lose::Independently(0.2));
    no_alarm_in(&mut pair, 60);
}

#[test]
fn bursts_of_loss_raise_no_false_alarm_once_one_was_seen() {
    for seed in 0..6 {
        let mut pair = Pair::active();
        pair.seed(seed);
        pair.run_ms(5_000);
        hole(&mut pair, 80);
        pair.run_ms(500);
        // 4 % loss in bursts of two and a half datagrams.
        pair.set_paths(80, 5, Lose::InBursts { enter: 0.017, leave: 0.4 });
        no_alarm_in(&mut pair, 20);
    }
}

#[test]
fn a_peer_that_comes_back_in_time_is_trusted_again() {
    let mut pair = Pair::active();
    pair.run_ms(20_000);
    hole(&mut pair, 95);
    pair.run_ms(200);
    let told: Vec<_> = pair.sides[ORIGIN].events.iter().map(|(_, event)| event).collect();
    assert!(matches!(told[..], [.., Event::Suspect, Event::Trusted]), "{told:?}");
    // A silence that was survived makes the peer's limit longer for a while.
    assert!(pair.sides[ORIGIN].peer.statistics().silence_max > SILENCE_ACTIVE_MIN);
}

#[test]
fn a_node_that_stood_still_itself_reads_before_it_judges() {
    let mut pair = Pair::active();
    pair.run_ms(20_000);
    let (origin, stalled) = (&mut pair.sides[ORIGIN].peer, pair.now + Duration::from_millis(400));
    origin.handle_timeout(stalled);
    assert!(!origin.is_closed());
    assert_eq!(origin.statistics().stalls, 1);
    // Nothing was waiting to be read either, so the second look ends the link.
    let second = stalled + Duration::from_millis(40);
    origin.handle_timeout(second);
    assert!(origin.is_closed());
}

fn no_alarm_in(pair: &mut Pair, minutes: u64) {
    for _ in 0..minutes {
        pair.run_ms(MINUTE_MS);
        for side in [ORIGIN, EDGE] {
            assert_eq!(pair.down(side), None);
            pair.paths[side].sent.clear();
        }
    }
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert!(statistics.datagrams_lost > 10 * minutes, "{statistics:?}");
}

/// Loses everything in both directions for a while.
fn hole(pair: &mut Pair, ms: u64) {
    cut(pair);
    pair.run_ms(ms);
    for path in &mut pair.paths {
        path.cut = false;
    }
}

fn cut(pair: &mut Pair) -> std::time::Instant {
    for path in &mut pair.paths {
        path.cut = true;
    }
    pair.now
}

fn gaps(pair: &Pair, side: usize) -> Vec<Duration> {
    pair.paths[side].sent.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
}

/// How many beats and media datagrams the edge has sent.
fn kinds(pair: &Pair) -> (usize, usize) {
    let sent = &pair.paths[EDGE].sent;
    let of = |kind| {
        let is = |datagram: &[u8]| decode_header(datagram).unwrap().0.kind == kind;
        sent.iter().filter(|(_, datagram)| is(datagram)).count()
    };
    (of(Kind::Beat), of(Kind::Media))
}
