//! How an edge leaves.

use std::time::Duration;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{self, Alternative, Alternatives, Ask, Body, CreateRoom, Relay};

use super::bench::{Bench, LINK, announced, asked, frame, sent};
use crate::rooms::{Command, Limits, Newcomer, Order, ParticipantEvent, Resume};
use crate::webrtc::SessionEvent;

#[test]
fn a_draining_edge_takes_nobody_in_and_tells_parents_and_clients() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_drain(Duration::from_secs(30), bench.now);
    let commands = bench.commands();
    let [(LINK, Body::Drain(drain))] = &sent(&commands)[..] else { panic!("{commands:?}") };
    assert_eq!(drain.deadline_ms, 30_000);
    let over = Duration::from_millis(10);
    assert_eq!(announced(&commands), [ParticipantEvent::Draining { over }]);
    let refused = bench.settle(Order::Prepare(Bench::newcomer(Role::Listener))).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-draining"));
    let refused = bench.settle(Order::Create(CreateRoom::default())).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-draining"));
    assert!(bench.say(&person, 8).unwrap().owner.is_some(), "media goes on");
}

#[test]
fn a_drain_that_is_undone_lets_people_in_again_and_tells_parents_and_clients() {
    let mut bench = Bench::linked();
    bench.join(Role::Speaker);
    bench.hub.handle_undrain();
    assert!(bench.commands().is_empty(), "there is nothing to undo");
    bench.hub.handle_drain(Duration::from_secs(30), bench.now);
    bench.commands();
    bench.hub.handle_undrain();
    let commands = bench.commands();
    assert!(matches!(sent(&commands)[..], [(LINK, Body::Undrain(_))]), "{commands:?}");
    assert_eq!(announced(&commands), [ParticipantEvent::Staying]);
    bench.join(Role::Listener);
}

#[test]
fn whoever_comes_during_a_drain_hears_of_it_origins_and_connections_alike() {
    let mut bench = Bench::linked();
    let (person, secret) = super::resumes::join(&mut bench, Role::Listener);
    bench.hub.handle_drain(Duration::from_secs(30), bench.now);
    bench.pass(Duration::from_secs(10));
    bench.commands();
    bench.link_to(LinkId(2), "origin-2");
    let commands = bench.commands();
    let drained = sent(&commands).into_iter().find_map(|(link, body)| match body {
        Body::Drain(drain) => Some((link, drain.deadline_ms)),
        _ => None,
    });
    assert_eq!(drained, Some((LinkId(2), 20_000)));
    let (answer, commands) = super::resumes::resume(&mut bench, "somebody", &secret);
    assert!(answer.is_ok());
    let told = super::bench::told(&commands, &person);
    assert!(told.contains(&ParticipantEvent::Draining { over: Duration::ZERO }), "{told:?}");
}

#[test]
fn many_clients_are_asked_to_go_over_most_of_the_time_that_there_is() {
    let mut bench = Bench::limited(Limits { participants_max: 500, rooms_max: 1 });
    bench.link_up(LINK);
    for _ in 0..400 {
        bench.join(Role::Listener);
    }
    let over = |bench: &mut Bench, seconds: u64| {
        bench.hub.handle_drain(Duration::from_secs(seconds), bench.now);
        announced(&bench.commands())
    };
    let asked = |millis| [ParticipantEvent::Draining { over: Duration::from_millis(millis) }];
    assert_eq!(over(&mut bench, 30), asked(4_000), "a hundred a second");
    assert_eq!(over(&mut bench, 5), asked(3_000), "another deadline, and the last have 2 s");
}

#[test]
fn who_has_joined_elsewhere_is_heard_and_hears_on_until_he_leaves_or_ten_seconds_have_passed() {
    for leaves in [true, false] {
        let mut bench = Bench::linked();
        let person = bench.join(Role::Speaker);
        let ended = "replaced".to_owned();
        bench.stand(&person, control::Standing { ended, ..control::Standing::default() });
        assert!(!bench.commands().iter().any(|c| matches!(c, Command::Close { .. })));
        assert!(bench.say(&person, 8).unwrap().owner.is_some());
        if leaves {
            bench.settle(Order::Leave(person.session)).unwrap();
        } else {
            bench.link_up(LinkId(2));
            bench.pass(Duration::from_millis(9_900));
            let commands = bench.commands();
            assert!(!commands.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Join(_))));
            assert!(!commands.iter().any(|c| matches!(c, Command::Close { .. })));
            bench.pass(Duration::from_millis(200));
            let commands = bench.commands();
            let replaced = |c: &Command| matches!(c, Command::End { reason: Some("replaced"), .. });
            assert!(commands.iter().any(replaced));
        }
        assert!(bench.say(&person, 16).is_none());
        let asks = bench.commands();
        assert!(!asks.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
    }
}

#[test]
fn who_is_on_the_move_is_heard_once_by_others_and_never_by_himself() {
    let mut bench = Bench::linked();
    let (mover, other) = (bench.join(Role::Speaker), bench.join(Role::Speaker));
    let ended = "replaced".to_owned();
    bench.stand(&mover, control::Standing { ended, ..control::Standing::default() });
    assert!(bench.say(&mover, 8).unwrap().stage.is_some());
    bench.bind_as(LINK, 77, mover.id().as_str());
    let there = frame(TrackId(77), 8);
    let heard = bench.hub.route_from_link(LINK, &there, bench.now).stage.unwrap();
    assert_eq!(heard.except, Some(mover.session));
    assert!(bench.say(&mover, 16).is_none(), "his voice comes from the other edge");
    assert!(bench.say(&other, 16).is_some());
}

#[test]
fn who_has_come_from_another_edge_does_not_hear_himself_from_there() {
    let mut bench = Bench::linked();
    let text = format!("p_5.{:032x}", 7);
    let newcomer = Newcomer { resume: Resume::parse(&text), ..Bench::newcomer(Role::Speaker) };
    let (comer, _) = bench.join_as(newcomer);
    bench.bind(LINK, 5);
    let from_there = |bench: &mut Bench, number| {
        let frame = frame(TrackId(5), number);
        bench.hub.route_from_link(LINK, &frame, bench.now).stage.unwrap().except
    };
    assert_eq!(from_there(&mut bench, 8), Some(comer.session));
    assert!(bench.say(&comer, 24).is_some());
    bench.pass(Duration::from_millis(10_100));
    assert_eq!(from_there(&mut bench, 16), None, "there is nobody left to look for");
}

#[test]
fn who_has_joined_elsewhere_and_comes_back_is_the_same_participant() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    let ended = "replaced".to_owned();
    bench.stand(&person, control::Standing { ended, ..control::Standing::default() });
    // What the other edge has given him.
    let text = format!("{}.{:032x}", person.id(), 7);
    let newcomer = Newcomer { resume: Resume::parse(&text), ..Bench::newcomer(Role::Speaker) };
    let (again, _) = bench.join_as(newcomer);
    assert_eq!(again.id(), person.id());
    assert!(bench.say(&person, 8).is_none() && bench.say(&again, 8).is_some());
}

#[test]
fn clients_hear_of_the_edges_that_origins_name_and_never_of_their_own() {
    let mut bench = Bench::linked();
    bench.hub.offer(Relay { public_url: "https://me".into(), ..Relay::default() });
    let edge = |url: &str| Alternative { url: url.into(), rtt_us: 5_000, ..Alternative::default() };
    let told = Alternatives { edges: vec![edge("https://me"), edge("https://a")] };
    bench.hear(LINK, Body::Alternatives(told.clone()));
    let commands = bench.commands();
    let [Command::Recommend { edges }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(edges.iter().map(|edge| edge.url.as_str()).collect::<Vec<_>>(), ["https://a"]);
    bench.hear(LINK, Body::Alternatives(told));
    assert!(bench.commands().is_empty(), "that is known");
    bench.hub.handle_link_down(LINK, bench.now);
    assert!(!bench.commands().iter().any(|c| matches!(c, Command::Recommend { .. })));
}

#[test]
fn it_is_idle_when_the_last_session_has_closed() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_drain(Duration::from_secs(30), bench.now);
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
