//! A listener who is connected costs next to nothing, and loses nothing by it.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use str0m::change::SdpAnswer;

use super::pair::{Ask, Edge, LISTEN, PLAYER, PUBLISH, SPEAK, STEP, WAIT};
use crate::webrtc::Class;
use crate::webrtc::change::Change;
use crate::webrtc::engine::Engine;

const SECOND: Duration = Duration::from_secs(1);

fn asleep(edge: &Edge) -> usize {
    let sessions = edge.sessions.entries.iter().flatten();
    sessions.filter(|entry| matches!(entry.session.engine, Engine::Asleep(_))).count()
}

fn hears(edge: &mut Edge, client: usize, number: u64) -> bool {
    let before = edge.clients[client].packets.len();
    edge.play(number, 0, Class::Audience);
    edge.step(STEP);
    edge.clients[client].packets.len() == before + 1
}

/// An answer without what a restart may change.
fn rest(answer: &str) -> Vec<&str> {
    let changing = ["a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates"];
    answer.lines().filter(|line| !changing.iter().any(|c| line.starts_with(c))).collect()
}

/// A full ICE restart; what the answer said.
fn restart(edge: &mut Edge, client: usize) -> String {
    let mut changes = edge.clients[client].rtc.sdp_api();
    changes.ice_restart(true);
    let (offer, pending) = changes.apply().unwrap();
    let (session, now) = (edge.clients[client].session, edge.now);
    let offer = offer.to_sdp_string();
    let restarted = edge.sessions.restart(session, &offer, now, &mut edge.wire).unwrap();
    // Asked a second time, it has nothing to change.
    let again = edge.sessions.restart(session, &offer, now, &mut edge.wire).unwrap();
    assert_eq!(again.answer, restarted.answer);
    let answer = SdpAnswer::from_sdp_string(&restarted.answer).unwrap();
    edge.clients[client].rtc.sdp_api().accept_answer(pending, answer).unwrap();
    restarted.answer
}

#[test]
fn everybody_sleeps_once_he_is_connected() {
    let mut edge = Edge::new();
    for (port, ask) in [(1, LISTEN), (2, PLAYER), (3, SPEAK), (4, PUBLISH), (5, WAIT)] {
        edge.connect(port, ask);
    }
    assert_eq!(asleep(&edge), 5);
}

/// Bytes on the heap that a connected session holds, fan-out left aside.
fn weight(ask: Ask, packets: u16) -> i64 {
    let mut edge = Edge::new();
    let client = edge.connect(1, ask);
    for sequence in 0..packets {
        let now = edge.now;
        edge.clients[client].speak(sequence, 960 * u32::from(sequence), now);
        edge.step(STEP);
    }
    let entry = edge.sessions.entries[0].take().unwrap();
    -allocation_counter::measure(|| drop(entry)).bytes_current
}

#[test]
fn who_may_be_put_on_the_stage_costs_hardly_more_than_who_may_not() {
    let (listens, waits, speaks) = (weight(LISTEN, 0), weight(WAIT, 0), weight(SPEAK, 100));
    assert!((1..=512).contains(&(waits - listens)), "{waits} and {listens} bytes");
    assert!((1..=4_096).contains(&(speaks - listens)), "{speaks} and {listens} bytes");
}

#[test]
fn checks_keep_sleepers_and_speakers_for_minutes() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    edge.connect(2, SPEAK);
    for _ in 0..300 {
        edge.step(SECOND);
    }
    assert_eq!(edge.closed(), []);
    assert!(hears(&mut edge, client, 0));
}

#[test]
fn checks_that_somebody_forged_keep_nobody() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    let (session, from) = (edge.clients[client].session, edge.clients[client].address);
    let mut forged = Vec::new();
    while forged.is_empty() {
        edge.now += STEP;
        let now = edge.now;
        edge.clients[client].rtc.handle_input(str0m::Input::Timeout(now)).unwrap();
        forged =
            edge.clients[client].drain().into_iter().find(|p| p[..2] == [0, 1]).unwrap_or_default();
    }
    forged[9] ^= 1;
    edge.clients.clear();
    for _ in 0..32 {
        edge.send(&forged, from);
        edge.step(SECOND);
    }
    assert_eq!(edge.closed(), [(session, "timed-out")]);
}

#[test]
fn a_nominated_new_address_moves_the_stream_and_what_dtls_says() {
    for ask in [LISTEN, SPEAK] {
        let mut edge = Edge::new();
        let client = edge.connect(1, ask);
        edge.play(0, 0, ask.class);
        edge.step(STEP);
        // A router on the way has forgotten the client and gives it another port.
        edge.clients[client].address = SocketAddr::from(([198, 51, 100, 7], 4_711));
        for _ in 0..200 {
            edge.step(STEP);
        }
        edge.play(1, 0, ask.class);
        edge.step(STEP);
        assert_eq!(edge.clients[client].packets.len(), 2);
        let (session, now) = (edge.clients[client].session, edge.now);
        edge.sessions.close(session, now, &mut edge.wire);
        let new = edge.clients[client].address;
        assert!(edge.wire.packets.iter().all(|(to, _)| *to == new), "{:?}", edge.wire.packets);
        edge.step(STEP);
        assert!(edge.clients[client].closed, "DTLS close_notify has arrived");
    }
}

#[test]
fn ice_restarts_of_a_sleeper_change_credentials_and_nothing_else() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    let before = edge.clients[client].answer.clone();
    for number in 0..8 {
        let answer = restart(&mut edge, client);
        assert_ne!(answer, before);
        assert_eq!(rest(&answer), rest(&before));
        for _ in 0..100 {
            edge.step(STEP);
        }
        assert!(hears(&mut edge, client, number), "after restart {number}");
        assert_eq!(asleep(&edge), 1);
    }
    for _ in 0..60 {
        edge.step(SECOND);
    }
    assert_eq!(edge.closed(), []);
}

#[test]
fn ice_restarts_of_who_may_speak_change_credentials_and_nothing_else() {
    for ask in [WAIT, SPEAK, PUBLISH] {
        let mut edge = Edge::new();
        let client = edge.connect(1, ask);
        edge.change(client, Change::Stage(true));
        let before = edge.clients[client].answer.clone();
        for number in 0..8 {
            let answer = restart(&mut edge, client);
            assert_ne!(answer, before);
            assert_eq!(rest(&answer), rest(&before));
            for _ in 0..100 {
                edge.step(STEP);
            }
            let now = edge.now;
            edge.clients[client].speak(number, 5_000 + 100 * 960 * u32::from(number), now);
            edge.step(STEP);
            assert_eq!(edge.uplinked().len(), usize::from(number) + 1);
        }
        assert_eq!((asleep(&edge), edge.closed()), (1, vec![]));
    }
}

#[test]
fn a_client_that_hangs_up_ends_its_sleeping_session_at_once() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    for _ in 0..60 {
        edge.step(SECOND);
    }
    edge.clients[client].rtc.close().unwrap();
    edge.step(STEP);
    assert_eq!(edge.closed(), [(edge.clients[client].session, "hung-up")]);
    assert_eq!((edge.sessions.fanout().listeners(), edge.registry.sessions()), (0, 0));
}

#[test]
fn a_goodbye_of_rtcp_alone_ends_nothing() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    // A closing client says BYE and close_notify; only the latter is lost.
    edge.clients[client].rtc.close().unwrap();
    let from = edge.clients[client].address;
    for packet in edge.clients[client].drain() {
        if !matches!(packet[0], 20..=63) {
            edge.send(&packet, from);
        }
    }
    edge.step(STEP);
    assert_eq!(edge.closed(), []);
}

#[test]
fn the_lost_end_of_a_handshake_is_repeated_by_a_sleeper() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, LISTEN);
    edge.loses_handshakes_end = true;
    while edge.loses_handshakes_end {
        edge.step(STEP);
        edge.loses_handshakes_end = !edge.was_connected(edge.clients[client].session);
    }
    assert!(!edge.clients[client].connected);
    assert_eq!(asleep(&edge), 1);
    for _ in 0..200 {
        edge.step(STEP);
    }
    assert!(edge.clients[client].connected);
    assert!(hears(&mut edge, client, 0));
}

#[test]
fn what_a_listener_misses_is_reported() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    let mut reports = Vec::new();
    for number in 0..1_500 {
        edge.play(number, 0, Class::Audience);
        if number % 4 == 0 {
            edge.wire.packets.clear();
        }
        edge.step(STEP);
        reports.extend(edge.sessions.drain_reports());
    }
    assert_eq!(edge.clients[client].packets.len(), 1_125);
    let losses: Vec<f32> = reports.iter().filter_map(|report| report.loss).collect();
    assert!(losses.len() >= 4, "{reports:?}");
    assert!(losses.iter().all(|loss| (0.2..0.3).contains(loss)), "{losses:?}");
    assert!(reports.iter().any(|report| report.round_trip_ms.is_some()), "{reports:?}");
    let counters = edge.sessions.take_counters();
    assert_eq!((counters.malformed_reports, counters.forged_reports), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_datagrams_wake_no_sleeper_and_change_nothing(
        datagrams in proptest::collection::vec(
            (0u8..192, proptest::collection::vec(any::<u8>(), 0..120)), 0..40)
    ) {
        let mut edge = Edge::new();
        let client = edge.connect(1, LISTEN);
        let from = edge.clients[client].address;
        for (first, mut datagram) in datagrams {
            datagram.insert(0, first);
            edge.send(&datagram, from);
        }
        prop_assert!(hears(&mut edge, client, 0));
        prop_assert_eq!(edge.closed(), []);
    }
}
