//! Peers that are newer, broken or ill-meaning.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;
use stoa_audio::frame::TrackId;

use super::pair::{EDGE, ORIGIN, Pair, frame};
use crate::mesh::control::{
    BindTrack, Body, Control, Request, Response, RoomState, Selection, UnbindTrack,
};
use crate::mesh::identity::MISBEHAVIOUR_PER_MINUTE_MAX;
use crate::mesh::peer::{COMMANDS_MAX, Event, PeerError};

#[test]
fn a_newer_version_is_understood_as_far_as_this_one_goes() {
    let mut pair = Pair::up();
    let origin = &mut pair.sides[ORIGIN].peer;
    // A body of field 99, a binding with a field 77, a track of kind 9.
    let unknown = Control::decode(&[0x9a, 0x06, 0x01, 0x00][..]).unwrap();
    let mut bind = vec![0x08, 0x05, 0x11, 7, 0, 0, 0, 0, 0, 0, 0, 0x22, 1, b'r', 0xea, 0x04, 1, 9];
    bind.splice(0..0, [0x2a, u8::try_from(bind.len()).unwrap()]);
    let newer_bind = Control::decode(&bind[..]).unwrap();
    let newer_kind = BindTrack { alias: 6, room: "r".to_owned(), kind: 9, ..BindTrack::default() };
    for control in [unknown, newer_bind, control(Body::BindTrack(newer_kind))] {
        origin.handle_control(control, pair.now);
    }
    // A datagram of kind 5, one of version 3, and a record with an extension block.
    let sequence = 40;
    let extended = [0x11, sequence, 0, 0, 0, 9, 5, 16, 8, 30, 0x80, 3, 9, 9, 9, 1, 0xf8];
    for datagram in [&[0x15, 41, 0, 0, 0, 1, 1, 2, 3][..], &[0x31, 1, 2][..], &extended[..]] {
        origin.handle_datagram(Bytes::copy_from_slice(datagram), pair.now);
    }
    let statistics = origin.statistics();
    assert_eq!((statistics.control_unknown, statistics.datagrams_unknown), (2, 2));
    assert_eq!((statistics.malformed, statistics.refused), (0, 0));
    pair.drain();
    assert_eq!(pair.frames(ORIGIN)[0].track, TrackId(7));
}

#[test]
fn an_edge_that_speaks_as_an_owner_is_not_heard_and_cut_off_when_it_persists() {
    let mut pair = Pair::up();
    let origin = &mut pair.sides[ORIGIN].peer;
    let claims = [
        Body::Selection(Selection::default()),
        Body::RoomState(RoomState::default()),
        Body::Response(Response::default()),
    ];
    for round in 0..MISBEHAVIOUR_PER_MINUTE_MAX {
        let claim = claims[round as usize % claims.len()].clone();
        origin.handle_control(control(claim), pair.now);
    }
    assert!(origin.is_up());
    assert_eq!(origin.statistics().refused, u64::from(MISBEHAVIOUR_PER_MINUTE_MAX));
    origin.handle_control(control(claims[0].clone()), pair.now);
    assert!(origin.is_closed());
    pair.drain();
    let controls = pair.sides[ORIGIN].events.iter();
    assert!(!controls.map(|(_, event)| event).any(|event| matches!(event, Event::Control(_))));
}

#[test]
fn an_origin_may_say_what_an_edge_may_not() {
    let mut pair = Pair::up();
    let edge = &mut pair.sides[EDGE].peer;
    edge.handle_control(control(Body::Selection(Selection::default())), pair.now);
    pair.drain();
    assert!(matches!(pair.sides[EDGE].events.last(), Some((_, Event::Control(_)))));
}

#[test]
fn a_binding_with_impossible_names_is_malformed() {
    let mut pair = Pair::up();
    let origin = &mut pair.sides[ORIGIN].peer;
    for (room, participant) in [("", "p"), ("a room", "p"), ("r", "p\n"), (&*"r".repeat(65), "")] {
        let (room, participant) = (room.to_owned(), participant.to_owned());
        let bind = BindTrack { room, participant, ..BindTrack::default() };
        origin.handle_control(control(Body::BindTrack(bind)), pair.now);
    }
    assert_eq!((origin.statistics().malformed, origin.statistics().tracks_in), (4, 0));
}

#[test]
fn malformed_datagrams_are_counted_and_persistence_ends_the_link() {
    let mut pair = Pair::active();
    let origin = &mut pair.sides[ORIGIN].peer;
    for sequence in 0..60 {
        // Sequence, time, then a record that ends too early.
        let datagram = [0x11, 0x60, sequence, 0, 0, 0, 0, 1, 1, 8];
        origin.handle_datagram(Bytes::copy_from_slice(&datagram), pair.now);
    }
    assert!(origin.is_closed());
    assert_eq!(origin.statistics().malformed, u64::from(MISBEHAVIOUR_PER_MINUTE_MAX) + 1);
}

#[test]
fn the_good_records_before_a_bad_one_are_taken() {
    let mut pair = Pair::active();
    pair.send(EDGE, &frame(1, 0));
    pair.sides[EDGE].peer.flush(pair.now);
    pair.drain();
    let mut datagram = BytesMut::from(&pair.paths[EDGE].sent.last().unwrap().1[..]);
    datagram.put_slice(&[1, 1, 99, 0, 0, 1, 0]);
    pair.sides[ORIGIN].peer.handle_datagram(datagram.freeze(), pair.now);
    pair.drain();
    assert_eq!(pair.numbers(ORIGIN), [0]);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().malformed, 1);
}

#[test]
fn a_shell_that_does_not_drain_meets_a_maximum() {
    let mut pair = Pair::up();
    let edge = &mut pair.sides[EDGE].peer;
    let results =
        (0..COMMANDS_MAX + 5).map(|_| edge.send_control(Body::Request(Request::default())));
    let refused = results.filter(|result| *result == Err(PeerError::Congested)).count();
    assert_eq!(refused, 5);
    assert_eq!(edge.statistics().over_limit, 5);
    edge.goodbye("full", pair.now);
    assert!(edge.is_closed());
}

#[test]
fn an_unbinding_of_nothing_is_counted_and_harmless() {
    let mut pair = Pair::active();
    let origin = &mut pair.sides[ORIGIN].peer;
    origin.handle_control(control(Body::UnbindTrack(UnbindTrack { alias: 999 })), pair.now);
    assert_eq!((origin.statistics().unknown_alias, origin.statistics().tracks_in), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn perturbed_datagrams_and_messages_never_panic(
        noise in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..60),
        random in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..20),
    ) {
        let mut pair = Pair::active();
        pair.speak(0..5);
        let sent: Vec<Bytes> = pair.paths[EDGE].sent.iter().map(|(_, sent)| sent.clone()).collect();
        let said: Vec<Vec<u8>> =
            pair.sides[EDGE].control.iter().map(Message::encode_to_vec).collect();
        for (which, at, byte) in noise {
            let mut datagram = sent[which % sent.len()].to_vec();
            let at_datagram = at % datagram.len();
            datagram[at_datagram] = byte;
            pair.sides[ORIGIN].peer.handle_datagram(datagram.into(), pair.now);
            let mut message = said[which % said.len()].clone();
            let at_message = at % message.len();
            message[at_message] = byte;
            if let Ok(message) = Control::decode(&message[..]) {
                pair.sides[ORIGIN].peer.handle_control(message, pair.now);
            }
        }
        for datagram in random {
            pair.sides[ORIGIN].peer.handle_datagram(datagram.into(), pair.now);
        }
        pair.drain();
        pair.run_ms(2_000);
    }
}

fn control(body: Body) -> Control {
    Control { body: Some(body) }
}
