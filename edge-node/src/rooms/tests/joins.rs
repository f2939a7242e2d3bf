//! In and out.

use std::time::Duration;

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Answer, Ask, Body, CreateRoom, ListRooms, Problem};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::bench::{Bench, LINK, announced, answer_to, asked, sent};
use crate::rooms::{CONNECT_WITHIN, Command, Limits, Order, ParticipantEvent, Reply};
use crate::webrtc::{Class, Downlink, SessionEvent, SessionId};

#[test]
fn the_owner_is_asked_before_anything_else_and_then_told_what_is_wanted() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Speaker)));
    let commands = bench.commands();
    let asks: Vec<_> = commands.iter().filter_map(asked).collect();
    assert_eq!(commands.len(), 1);
    let (id, Ask::Join(join)) = &asks[0] else { panic!("{asks:?}") };
    assert!(join.track != 0 && join.participant.starts_with("p_"));
    bench.respond(LINK, *id, Answer::Room(super::bench::info("agora")));
    let commands = bench.commands();
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &commands) else { panic!() };
    assert_eq!(prepared.class, Class::Stage);
    let bound = |c: &Command| matches!(c, Command::Bind { binding, .. } if Some(binding.track) == prepared.track);
    assert!(commands.iter().any(bound));
    assert!(matches!(&sent(&commands)[..], [(LINK, Body::Subscribe(_))]));
}

#[test]
fn a_publisher_who_hears_nothing_subscribes_to_nothing() {
    let mut bench = Bench::linked();
    let newcomer =
        crate::rooms::Newcomer { downlink: Downlink::None, ..Bench::newcomer(Role::Speaker) };
    let (_, commands) = bench.join_as(newcomer);
    assert!(!sent(&commands).iter().any(|(_, body)| matches!(body, Body::Subscribe(_))));
}

#[test]
fn a_listener_may_not_publish() {
    let mut bench = Bench::linked();
    let newcomer = crate::rooms::Newcomer {
        publishes: true,
        downlink: Downlink::None,
        ..Bench::newcomer(Role::Listener)
    };
    assert_eq!(bench.settle(Order::Prepare(newcomer)).unwrap_err().status, 403);
}

#[test]
fn somebody_who_may_speak_but_does_not_publish_is_served_as_audience() {
    let mut bench = Bench::linked();
    let newcomer = crate::rooms::Newcomer { publishes: false, ..Bench::newcomer(Role::Host) };
    let (person, _) = bench.join_as(newcomer);
    assert_eq!((person.prepared.class, person.prepared.track), (Class::Audience, None));
}

#[test]
fn the_owners_refusal_is_passed_on_and_leaves_nothing_behind() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    let (id, _) = asked(&bench.commands()[0]).unwrap();
    let problem = Problem { status: 404, code: "room-not-found".into(), ..Problem::default() };
    bench.respond(LINK, id, Answer::Problem(problem.clone()));
    let commands = bench.commands();
    assert_eq!(answer_to(ticket, &commands).unwrap_err(), problem);
    assert!(sent(&commands).is_empty(), "no leave for somebody the owner does not know");
    assert!(bench.hub.is_idle());
    assert_eq!(bench.metrics.rooms.get(), 0);
}

#[test]
fn an_owner_that_does_not_answer_in_five_seconds_is_a_503_and_is_told_of_the_leave() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    bench.commands();
    bench.pass(Duration::from_millis(4_999));
    assert!(!bench.commands().iter().any(|c| matches!(c, Command::Answer { .. })));
    bench.pass(Duration::from_millis(1));
    let commands = bench.commands();
    let problem = answer_to(ticket, &commands).unwrap_err();
    assert_eq!((problem.status, problem.retry_after_s > 0), (503, true));
    assert!(commands.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
}

#[test]
fn without_a_link_everything_that_needs_an_owner_is_a_503() {
    let mut bench = Bench::alone();
    let orders = [
        Order::Prepare(Bench::newcomer(Role::Listener)),
        Order::Ask(Ask::ListRooms(ListRooms::default())),
        Order::Create(CreateRoom::default()),
    ];
    for order in orders {
        let problem = bench.settle(order).unwrap_err();
        assert_eq!((problem.status, problem.retry_after_s), (503, 1));
    }
}

#[test]
fn a_full_edge_takes_nobody_in() {
    let mut bench = Bench::limited(Limits { participants_max: 1, rooms_max: 1 });
    bench.link_up(LINK);
    bench.join(Role::Listener);
    let refused = bench.settle(Order::Prepare(Bench::newcomer(Role::Listener))).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-full"));
    assert_eq!(bench.metrics.limits.participants.get(), 1);
}

#[test]
fn an_edge_with_as_many_speakers_as_a_link_carries_takes_listeners_only() {
    let participants_max = TRACKS_PER_LINK_MAX + 10;
    let mut bench = Bench::limited(Limits { participants_max, rooms_max: 1 });
    bench.link_up(LINK);
    let first = bench.join(Role::Speaker);
    for _ in 1..TRACKS_PER_LINK_MAX {
        bench.join(Role::Speaker);
    }
    let refused = bench.settle(Order::Prepare(Bench::newcomer(Role::Speaker))).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "edge-voices-full"));
    assert_eq!(bench.metrics.limits.publishers.get(), 1);
    bench.join(Role::Listener);
    bench.settle(Order::Leave(first.session)).unwrap();
    bench.join(Role::Speaker);
}

#[test]
fn who_does_not_connect_in_time_is_taken_out() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    let commands = bench.agree();
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &commands) else { panic!() };
    let attach = Order::Attach { seat: prepared.seat, session: SessionId(9), wants_events: true };
    bench.settle(attach).unwrap();
    bench.pass(CONNECT_WITHIN);
    let commands = bench.commands();
    assert!(commands.iter().any(|c| matches!(c, Command::Close { session: SessionId(9) })));
    let reason = Some("never-connected");
    assert!(commands.iter().any(|c| matches!(c, Command::End { reason: r, .. } if *r == reason)));
    let reason = "never-connected";
    bench.hub.handle_session(&SessionEvent::Closed { session: SessionId(9), reason }, bench.now);
    assert!(bench.hub.is_idle());
}

#[test]
fn a_seat_whose_session_never_came_is_given_up() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    let commands = bench.agree();
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &commands) else { panic!() };
    bench.pass(CONNECT_WITHIN);
    assert!(bench.hub.is_idle());
    let attach = Order::Attach { seat: prepared.seat, session: SessionId(9), wants_events: false };
    bench.commands();
    assert_eq!(bench.settle(attach).unwrap_err().code, "join-lost");
}

#[test]
fn a_session_that_connects_without_a_seat_is_closed() {
    let mut bench = Bench::linked();
    let remote = "192.0.2.1:9".parse().unwrap();
    let connected = SessionEvent::Connected { session: SessionId(77), remote };
    bench.hub.handle_session(&connected, bench.now);
    assert!(matches!(bench.commands()[..], [Command::Close { session: SessionId(77) }]));
}

#[test]
fn hanging_up_twice_is_a_404() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.settle(Order::Leave(person.session)).unwrap();
    assert_eq!(bench.settle(Order::Leave(person.session)).unwrap_err().status, 404);
}

#[test]
fn the_key_of_a_room_is_not_reused_before_its_last_session_has_closed() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Listener);
    bench.settle(Order::Leave(person.session)).unwrap();
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.metrics.rooms.get(), 1);
    let closed = SessionEvent::Closed { session: person.session, reason: "closed" };
    bench.hub.handle_session(&closed, bench.now);
    assert_eq!(bench.metrics.rooms.get(), 0);
    let mut newcomer = Bench::newcomer(Role::Listener);
    newcomer.room = stoa_protocol::ids::RoomId::new("other").unwrap();
    let (other, _) = bench.join_as(newcomer);
    assert_eq!(other.prepared.key, person.prepared.key);
}

#[test]
fn the_subscription_outlives_the_last_listener_by_a_moment_only() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Listener);
    bench.settle(Order::Leave(person.session)).unwrap();
    bench.pass(Duration::from_secs(4));
    let unsubscribes = |commands: &[Command]| {
        sent(commands).iter().filter(|(_, body)| matches!(body, Body::Unsubscribe(_))).count()
    };
    assert_eq!(unsubscribes(&bench.commands()), 0);
    let (again, commands) = bench.join_as(Bench::newcomer(Role::Listener));
    assert!(!sent(&commands).iter().any(|(_, body)| matches!(body, Body::Subscribe(_))));
    bench.pass(Duration::from_secs(4));
    assert_eq!(unsubscribes(&bench.commands()), 0, "somebody is back");
    bench.settle(Order::Leave(again.session)).unwrap();
    bench.pass(Duration::from_secs(6));
    assert_eq!(unsubscribes(&bench.commands()), 1);
}

#[test]
fn a_closed_room_ends_for_everybody_and_owes_the_owner_nothing() {
    let mut bench = Bench::linked();
    bench.join(Role::Speaker);
    bench.join(Role::Listener);
    let state = stoa_protocol::mesh::control::RoomState {
        info: Some(super::bench::info("agora")),
        epoch: 1,
        version: 9,
        closed: true,
        ..Default::default()
    };
    bench.hub.handle_control(LINK, Body::RoomState(state), bench.now);
    let commands = bench.commands();
    let told = |c: &&Command| matches!(c, Command::End { reason: Some("room-closed"), .. });
    assert_eq!(commands.iter().filter(told).count(), 2);
    assert!(sent(&commands).is_empty());
}

#[test]
fn rosters_are_told_at_once_and_then_at_most_five_times_a_second() {
    let mut bench = Bench::linked();
    let speaker = bench.join(Role::Speaker);
    bench.state(1, &[(&speaker, false)]);
    assert!(matches!(&announced(&bench.commands())[..], [ParticipantEvent::Roster(_)]));
    bench.state(2, &[]);
    bench.state(3, &[(&speaker, true)]);
    assert_eq!(announced(&bench.commands()), []);
    bench.pass(Duration::from_millis(200));
    let told = announced(&bench.commands());
    let [ParticipantEvent::Roster(roster)] = &told[..] else { panic!("{told:?}") };
    assert!(roster.stage[0].muted);
}

#[test]
fn a_state_of_an_older_version_or_of_a_stranger_is_ignored() {
    let mut bench = Bench::linked();
    let speaker = bench.join(Role::Speaker);
    bench.state(5, &[(&speaker, false)]);
    bench.commands();
    bench.state(4, &[]);
    assert_eq!(announced(&bench.commands()), []);
    assert_eq!(bench.metrics.refused.stale.get(), 1);
    let state = stoa_protocol::mesh::control::RoomState {
        info: Some(super::bench::info("agora")),
        epoch: 2,
        closed: true,
        ..Default::default()
    };
    bench.hub.handle_control(stoa_link::LinkId(5), Body::RoomState(state), bench.now);
    assert_eq!(bench.metrics.refused.unexpected.get(), 1);
    assert!(!bench.hub.is_idle());
}

#[test]
fn a_room_of_the_same_name_can_be_joined_while_sessions_of_the_closed_one_still_end() {
    let mut bench = Bench::linked();
    let before = bench.join(Role::Listener);
    let state = stoa_protocol::mesh::control::RoomState {
        info: Some(super::bench::info("agora")),
        epoch: 7,
        closed: true,
        ..Default::default()
    };
    bench.hub.handle_control(LINK, Body::RoomState(state), bench.now);
    let (after, commands) = bench.join_as(Bench::newcomer(Role::Listener));
    assert_ne!(after.session, before.session);
    let subscribed = sent(&commands).into_iter().find_map(|(_, body)| match body {
        Body::Subscribe(subscribe) => Some(subscribe.epoch),
        _ => None,
    });
    assert_eq!(subscribed, Some(0), "the new room owes nothing to the old one's epoch");
}

#[test]
fn a_place_that_nobody_claims_is_given_back() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Speaker)));
    let commands = bench.agree();
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &commands) else { panic!() };
    bench.hub.handle_unclaimed(prepared.seat, bench.now);
    let commands = bench.commands();
    assert!(commands.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
    assert!(commands.iter().any(|c| matches!(c, Command::Unbind { .. })));
    assert!(bench.hub.is_idle());
}
