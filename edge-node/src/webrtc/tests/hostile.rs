//! Packets that must harm nobody.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::pair::{Edge, LISTEN, SPEAK, STEP, WAIT};
use crate::webrtc::Class;
use crate::webrtc::registry::{Borrowed, Dismissed, WorkerIndex};

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 666))
}

#[test]
fn a_hundred_forged_packets_from_the_clients_own_address_change_nothing() {
    let mut edge = Edge::new();
    let client = edge.connect(1, SPEAK);
    let from = edge.clients[client].address;
    for kind in [0x80u8, 0x81, 22, 0x80] {
        for number in 0..100u8 {
            let mut forged = vec![kind, 111, 0, number];
            forged.extend_from_slice(&[number; 60]);
            edge.send(&forged, from);
            forged[1] = 200;
            edge.send(&forged, from);
        }
    }
    edge.step(STEP);
    assert_eq!(edge.uplinked().len(), 0);
    edge.play(0, 0, Class::Stage);
    let now = edge.now;
    edge.clients[client].speak(0, 960, now);
    edge.step(STEP);
    assert_eq!(edge.clients[client].packets.len(), 1);
    assert_eq!(edge.uplinked().len(), 1);
    assert_eq!(edge.closed(), []);
}

/// What the client says next, before it is sent.
fn spoken(edge: &mut Edge, client: usize, sequence: u16) -> Vec<u8> {
    let now = edge.now;
    edge.clients[client].speak(sequence, 5_000 + 960 * u32::from(sequence), now);
    edge.clients[client].rtc.handle_input(str0m::Input::Timeout(now)).unwrap();
    let packets = edge.clients[client].drain();
    packets.into_iter().find(|packet| matches!(packet[..], [128..=191, 0..=191, ..])).unwrap()
}

#[test]
fn forged_replayed_and_foreign_packets_are_counted_and_heard_by_nobody() {
    for (ask, heard) in [(SPEAK, 2), (WAIT, 0)] {
        let mut edge = Edge::new();
        let client = edge.connect(1, ask);
        let from = edge.clients[client].address;
        let packet = spoken(&mut edge, client, 0);
        for byte in 2..packet.len() {
            let mut forged = packet.clone();
            forged[byte] ^= 0x10;
            edge.send(&forged, from);
        }
        let forged = packet.len() as u64 - 2;
        for _ in 0..3 {
            edge.send(&packet, from);
        }
        // Of a stream that the client does not have, with nothing but its number changed.
        for ssrc in 0..100u32 {
            let mut foreign = packet.clone();
            foreign[8..12].copy_from_slice(&ssrc.to_be_bytes());
            edge.send(&foreign, from);
        }
        let next = spoken(&mut edge, client, 1);
        edge.send(&next, from);
        edge.step(STEP);
        let counters = edge.sessions.take_counters();
        assert_eq!(counters.forged_packets, forged + 100);
        assert_eq!((counters.replayed_packets, counters.malformed_packets), (2, 0));
        assert_eq!(counters.off_stage, 2 - heard);
        assert_eq!(edge.uplinked().len() as u64, heard);
    }
}

#[test]
fn a_handshake_from_a_wrong_address_disturbs_nobody() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, LISTEN);
    let mut disturbed = 0;
    for _ in 0..100 {
        let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1];
        hello.resize(60, 7);
        edge.send(&hello, stranger());
        disturbed += 1;
        edge.step(STEP);
    }
    assert!(edge.clients[client].connected);
    assert_eq!(edge.sessions.take_counters().unknown_source, disturbed);
}

#[test]
fn a_check_with_a_wrong_password_learns_no_address() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    // The client's own check with one byte of its integrity changed, from elsewhere.
    let mut checks = Vec::new();
    for _ in 0..200 {
        edge.now += STEP;
        let now = edge.now;
        edge.clients[client].rtc.handle_input(str0m::Input::Timeout(now)).unwrap();
        checks.extend(edge.clients[client].drain().into_iter().filter(|p| p[..2] == [0, 1]));
    }
    assert!(!checks.is_empty());
    for mut check in checks {
        let last = check.len() - 20;
        check[last] ^= 1;
        edge.send(&check, stranger());
    }
    edge.wire.packets.clear();
    edge.play(0, 0, Class::Audience);
    assert_eq!(edge.wire.packets.len(), 1);
    assert_eq!(edge.wire.packets[0].0, edge.clients[client].address);
    edge.send(&[0x80, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], stranger());
    assert_eq!(edge.sessions.take_counters().unknown_source, 1);
}

#[test]
fn a_listener_who_sends_audio_is_not_heard_and_costs_nothing() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    let from = edge.clients[client].address;
    for number in 0..100u8 {
        let mut packet = vec![0x80, 111, 0, number, 0, 0, 0, 0, 0, 0, 0, number];
        packet.extend_from_slice(&[number; 40]);
        edge.send(&packet, from);
    }
    assert_eq!(edge.sessions.take_counters().unknown_stream, 100);
}

#[test]
fn a_session_that_is_dismissed_is_gone_whoever_had_it() {
    let mut edge = Edge::new();
    let waiting = edge.add_client(1, LISTEN);
    let session = edge.clients[waiting].session;
    let Borrowed::Taken(borrowed) = edge.registry.borrow(session) else { panic!("not waiting") };
    assert_eq!(edge.registry.dismiss(session), Dismissed::Forgotten);
    edge.registry.give_back(borrowed);
    assert_eq!(edge.registry.dismiss(session), Dismissed::Unknown);
    assert_eq!(edge.registry.sessions(), 0);
    edge.clients.clear();
    let owned = edge.connect(2, LISTEN);
    let session = edge.clients[owned].session;
    assert_eq!(edge.registry.dismiss(session), Dismissed::Owned(WorkerIndex(0)));
    assert_eq!(edge.registry.expire(edge.now + Duration::from_secs(60)), []);
}

#[test]
fn a_client_that_restarts_before_its_first_check_is_found_by_either_name() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, LISTEN);
    let session = edge.clients[client].session;
    edge.registry.add_ufrag(session, "second".into());
    for _ in 0..100 {
        edge.step(STEP);
    }
    assert!(edge.clients[client].connected);
    assert_eq!(edge.sessions.take_counters().unknown_ufrag, 0);
    let mut check = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    check.extend_from_slice(&[7; 12]);
    check.extend_from_slice(&[0, 6, 0, 13]);
    check.extend_from_slice(b"second:theirs\0\0\0");
    edge.send(&check, stranger());
    let counters = edge.sessions.take_counters();
    assert_eq!((counters.unknown_ufrag, counters.refused), (0, 1), "found, and its password wrong");
}

#[test]
fn one_clients_end_is_not_anothers() {
    let mut edge = Edge::new();
    let (first, second) = (edge.connect(1, LISTEN), edge.connect(2, LISTEN));
    let third = edge.connect(3, LISTEN);
    let (session, now) = (edge.clients[first].session, edge.now);
    edge.sessions.close(session, now, &mut edge.wire);
    edge.step(STEP);
    for number in 0..10 {
        edge.play(number, 0, Class::Audience);
        edge.step(STEP);
    }
    assert_eq!(edge.clients[second].packets.len(), 10);
    assert_eq!(edge.clients[third].packets.len(), 10);
    // The place of the first is free for somebody else.
    let fourth = edge.connect(4, LISTEN);
    edge.play(10, 0, Class::Audience);
    edge.step(Duration::from_millis(20));
    assert_eq!(edge.clients[fourth].packets.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_datagrams_never_panic(
        datagrams in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..120)), 0..40)
    ) {
        let mut edge = Edge::new();
        let client = edge.add_client(1, SPEAK);
        edge.step(STEP);
        edge.step(STEP);
        for (known, datagram) in datagrams {
            let from = if known { edge.clients[client].address } else { stranger() };
            edge.send(&datagram, from);
        }
        edge.step(STEP);
    }
}
