//! How a link begins and ends.

use std::time::{Duration, Instant};

use super::pair::{EDGE, ORIGIN, Pair, config, frame, identity, params};
use crate::ids::NodeId;
use crate::mesh::control::{Body, Control, Hello, Load, Subscribe};
use crate::mesh::identity::Identity;
use crate::mesh::peer::{Event, Peer, PeerError};

#[test]
fn both_sides_say_hello_first_and_are_up_when_the_other_has_said_it() {
    let mut pair = Pair::new();
    for side in [ORIGIN, EDGE] {
        assert!(matches!(pair.sides[side].control[..], [Control { body: Some(Body::Hello(_)) }]));
        assert_eq!(pair.sides[side].peer.bind(params(1), pair.now), Err(PeerError::NotUp));
    }
    pair.run_ms(10);
    let (_, first) = &pair.sides[ORIGIN].events[0];
    let Event::Up { hello } = first else { panic!("{first:?}") };
    assert_eq!((&*hello.node, &*hello.region), ("edge-1", "ams"));
    assert!(pair.sides[EDGE].peer.is_up());
}

#[test]
fn nothing_is_accepted_before_the_hello() {
    let mut pair = Pair::up();
    pair.bind(EDGE, 1);
    pair.send(EDGE, &frame(1, 0));
    pair.run_ms(5);
    let mut other = Pair::new();
    let origin = &mut other.sides[ORIGIN].peer;
    let early = [Body::Load(Load::default()), Body::Subscribe(Subscribe::default())];
    for body in early {
        origin.handle_control(control(body), other.now);
    }
    for (_, datagram) in &pair.paths[EDGE].sent {
        origin.handle_datagram(datagram.clone(), other.now);
    }
    assert_eq!(origin.next_event(), None);
    assert_eq!(origin.statistics().early, 2 + pair.paths[EDGE].sent.len() as u64);
    assert!(!origin.is_closed());
}

#[test]
fn a_hello_that_disagrees_with_the_certificate_is_refused() {
    for (node, region) in [("edge-2", "ams"), ("edge-1", "fra"), ("", ""), ("edge-1\n", "ams")] {
        let mut pair = Pair::new();
        let hello = Hello { node: node.into(), region: region.into(), ..Hello::default() };
        pair.sides[ORIGIN].peer.handle_control(control(Body::Hello(hello)), pair.now);
        pair.drain();
        let said = &pair.sides[ORIGIN].control.last().unwrap().body;
        assert!(matches!(said, Some(Body::Refuse(_))), "{said:?}");
        assert!(pair.sides[ORIGIN].closed.is_some());
        assert!(pair.down(ORIGIN).unwrap().1.contains("stoa://edge/ams/edge-1"));
    }
}

#[test]
fn the_refused_side_learns_why() {
    let impostor = Identity { node: NodeId::new("edge-9").unwrap(), ..identity(EDGE) };
    let mut edge = config(EDGE);
    edge.hello.node = impostor.node.to_string();
    let mut pair = Pair::with(config(ORIGIN), edge);
    pair.run_ms(50);
    let reason = pair.down(EDGE).unwrap().1;
    assert!(
        reason.starts_with("the peer refuses this node: the hello says ams/edge-9"),
        "{reason}"
    );
}

#[test]
fn a_hello_from_nowhere_on_the_globe_has_no_place() {
    for (latitude, longitude) in [(f64::NAN, 0.0), (91.0, 0.0), (0.0, -180.5), (f64::INFINITY, 1.0)]
    {
        assert_eq!(place_after(Some(latitude), Some(longitude)), (None, None));
    }
    assert_eq!(place_after(Some(52.5), None), (None, None));
    assert_eq!(place_after(Some(-90.0), Some(180.0)), (Some(-90.0), Some(180.0)));
}

#[test]
fn a_peer_that_says_no_hello_is_given_up_after_five_seconds() {
    let now = Instant::now();
    let mut alone = Peer::new(config(ORIGIN), now);
    assert_eq!(alone.poll_timeout(), Some(now + Duration::from_secs(5)));
    alone.handle_timeout(now + Duration::from_secs(5));
    assert!(alone.is_closed());
    assert_eq!(alone.poll_timeout(), None);
}

#[test]
fn a_second_hello_is_refused_and_changes_nothing() {
    let mut pair = Pair::up();
    let hello = Hello { node: "edge-1".into(), region: "ams".into(), ..Hello::default() };
    pair.sides[ORIGIN].peer.handle_control(control(Body::Hello(hello)), pair.now);
    assert!(pair.sides[ORIGIN].peer.is_up());
    assert_eq!(pair.sides[ORIGIN].peer.statistics().refused, 1);
}

#[test]
fn a_goodbye_sends_what_waits_and_tells_the_peer_why() {
    let mut pair = Pair::active();
    pair.sides[EDGE].peer.send_frame(&frame(1, 0), pair.now);
    pair.sides[EDGE].peer.goodbye("upgrade\u{1b}[2J", pair.now);
    pair.drain();
    pair.run_ms(50);
    assert_eq!(pair.numbers(ORIGIN), [0]);
    assert_eq!(pair.down(ORIGIN).unwrap().1, "the peer said goodbye: upgrade[2J");
    assert_eq!(pair.sides[EDGE].closed.as_deref(), Some("upgrade\u{1b}[2J"));
    assert_eq!(pair.sides[EDGE].peer.drain(Duration::ZERO), Err(PeerError::NotUp));
}

#[test]
fn a_drain_and_its_end_reach_the_owner() {
    let mut pair = Pair::up();
    pair.sides[ORIGIN].peer.drain(Duration::from_secs(30)).unwrap();
    pair.sides[ORIGIN].peer.undrain().unwrap();
    pair.drain();
    pair.run_ms(20);
    let told: Vec<&Event> = pair.sides[EDGE].events.iter().map(|(_, event)| event).collect();
    let [Event::Up { .. }, Event::Control(drain), Event::Control(undrain)] = told[..] else {
        panic!("{told:?}")
    };
    assert!(matches!(**drain, Body::Drain(drain) if drain.deadline_ms == 30_000));
    assert!(matches!(**undrain, Body::Undrain(_)));
}

/// The place that the owner is told of an edge that says this one.
fn place_after(latitude: Option<f64>, longitude: Option<f64>) -> (Option<f64>, Option<f64>) {
    let mut edge = config(EDGE);
    (edge.hello.latitude, edge.hello.longitude) = (latitude, longitude);
    let mut pair = Pair::with(config(ORIGIN), edge);
    pair.run_ms(20);
    let Some((_, Event::Up { hello })) = pair.sides[ORIGIN].events.first() else {
        panic!("the edge is not up")
    };
    (hello.latitude, hello.longitude)
}

fn control(body: Body) -> Control {
    Control { body: Some(body) }
}
