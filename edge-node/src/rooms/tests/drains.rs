//! How an edge leaves.

use std::time::Duration;

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Ask, Body, CreateRoom};

use super::bench::{Bench, LINK, announced, asked, sent};
use crate::rooms::{Command, Order, ParticipantEvent};
use crate::webrtc::SessionEvent;

#[test]
fn a_draining_edge_takes_nobody_in_and_tells_parents_and_clients() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_drain(Duration::from_secs(30));
    let commands = bench.commands();
    let [(LINK, Body::Drain(drain))] = &sent(&commands)[..] else { panic!("{commands:?}") };
    assert_eq!(drain.deadline_ms, 30_000);
    assert_eq!(announced(&commands), [ParticipantEvent::Closed { reason: "draining" }]);
    let refused = bench.settle(Order::Prepare(Bench::newcomer(Role::Listener))).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-draining"));
    let refused = bench.settle(Order::Create(CreateRoom::default())).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-draining"));
    assert!(bench.say(&person, 8).unwrap().owner.is_some(), "media goes on");
}

#[test]
fn it_is_idle_when_the_last_session_has_closed() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_drain(Duration::from_secs(30));
    bench.settle(Order::Leave(person.session)).unwrap();
    assert!(!bench.hub.is_idle());
    let closed = SessionEvent::Closed { session: person.session, reason: "closed" };
    bench.hub.handle_session(&closed, bench.now);
    assert!(bench.hub.is_idle());
}

#[test]
fn at_the_end_whoever_is_left_is_taken_out_and_owners_hear_of_it() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_end(bench.now);
    let commands = bench.commands();
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, Command::Close { session } if *session == person.session))
    );
    assert!(commands.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
}

#[test]
fn parents_hear_of_the_load_once_a_second() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    bench.commands();
    bench.pass(Duration::from_millis(3_500));
    let loads: Vec<_> = sent(&bench.commands())
        .into_iter()
        .filter_map(|(_, body)| match body {
            Body::Load(load) => Some((load.participants, load.used_permille)),
            _ => None,
        })
        .collect();
    assert_eq!(loads, [(1, 10); 3]);
}
