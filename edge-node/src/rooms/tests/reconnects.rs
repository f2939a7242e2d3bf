//! What survives a lost link.

use std::time::Duration;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Answer, Ask, Body, ListRooms, Problem, ReadRoom};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::bench::{Bench, LINK, answer_to, asked, sent};
use crate::rooms::rejoins::REJOIN_MESSAGES_MAX;
use crate::rooms::{Command, Limits, Newcomer, Order};

const NEXT: LinkId = LinkId(2);

#[test]
fn questions_under_way_fail_with_the_link_and_people_stay() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    let read = bench
        .order(Order::Ask(Ask::ReadRoom(ReadRoom { room: "agora".into(), ..ReadRoom::default() })));
    let join = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    bench.hub.handle_link_down(LINK, bench.now);
    let commands = bench.commands();
    assert_eq!(answer_to(read, &commands).unwrap_err().code, "owner-unreachable");
    assert_eq!(answer_to(join, &commands).unwrap_err().code, "owner-unreachable");
    let route = bench.say(&person, 8).unwrap();
    assert_eq!(route.owner, None);
    assert!(route.stage.is_some(), "the stage of this edge goes on");
}

#[test]
fn the_owner_is_reminded_of_people_tracks_and_subscription_in_this_order() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let commands = bench.commands();
    let [join, bind, subscribe] = &commands[..] else { panic!("{commands:?}") };
    let (id, Ask::Join(again)) = asked(join).unwrap() else { panic!("{join:?}") };
    assert_eq!(again.participant, person.id().as_str());
    assert_eq!(again.track, person.track().0);
    assert!(matches!(bind, Command::Bind { link: NEXT, .. }));
    assert!(matches!(&sent(std::slice::from_ref(subscribe))[..], [(NEXT, Body::Subscribe(_))]));
    bench.respond(NEXT, id, Answer::Room(super::bench::info("agora")));
    assert_eq!(bench.say(&person, 8).unwrap().owner, Some(NEXT));
}

#[test]
fn a_room_that_the_owner_has_forgotten_is_closed() {
    let mut bench = Bench::linked();
    bench.join(Role::Speaker);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    let problem = Problem { status: 404, ..Problem::default() };
    bench.respond(NEXT, id, Answer::Problem(problem));
    let ended = |c: &Command| matches!(c, Command::End { reason: Some("room-closed"), .. });
    assert!(bench.commands().iter().any(ended));
}

#[test]
fn who_was_sent_out_while_the_link_was_down_goes_when_it_is_up() {
    let mut bench = Bench::linked();
    let (banned, other) = (bench.join(Role::Speaker), bench.join(Role::Speaker));
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let (id, Ask::Join(join)) = bench.commands().iter().find_map(asked).unwrap() else { panic!() };
    assert_eq!(join.participant, banned.id().as_str());
    bench.respond(NEXT, id, Answer::Problem(Problem { status: 403, ..Problem::default() }));
    let ended = |c: &Command| matches!(c, Command::End { reason: Some("removed"), .. });
    assert!(bench.commands().iter().any(ended));
    assert!(bench.say(&banned, 8).is_none() && bench.say(&other, 8).is_some());
}

#[test]
fn a_passing_refusal_is_tried_again_after_a_second() {
    let mut bench = Bench::linked();
    bench.join(Role::Speaker);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    bench.respond(NEXT, id, Answer::Problem(Problem { status: 503, ..Problem::default() }));
    assert!(bench.commands().iter().find_map(asked).is_none());
    bench.pass(Duration::from_secs(1));
    let again = bench.commands().iter().find_map(asked);
    assert!(matches!(again, Some((_, Ask::Join(_)))));
}

#[test]
fn ten_thousand_people_are_reminded_of_in_portions_and_still_within_the_owners_grace() {
    let people = 10_000;
    let (round_trip, grace) = (Duration::from_millis(230), Duration::from_secs(10));
    let mut bench = Bench::limited(Limits { participants_max: people, rooms_max: 10 });
    bench.link_up(LINK);
    for _ in 0..people {
        bench.join(Role::Listener);
    }
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let (mut joined, mut took) = (0, Duration::ZERO);
    loop {
        let commands = bench.commands();
        assert!(commands.len() <= REJOIN_MESSAGES_MAX, "{} at once", commands.len());
        let asks: Vec<_> = commands.iter().filter_map(asked).collect();
        if asks.is_empty() {
            break;
        }
        joined += asks.len();
        took += round_trip;
        for (id, _) in asks {
            bench.respond(NEXT, id, Answer::Room(super::bench::info("agora")));
        }
    }
    assert_eq!(joined, people);
    assert!(took < grace / 2, "{took:?}");
}

#[test]
fn voices_and_one_listener_of_each_room_come_before_the_crowd() {
    let mut bench = Bench::limited(Limits { participants_max: 3_000, rooms_max: 10 });
    bench.link_up(LINK);
    for _ in 0..2_000 {
        bench.join(Role::Listener);
    }
    bench.join_as(in_room("silent", Role::Listener));
    bench.join_as(in_room("silent", Role::Listener));
    bench.join_as(in_room("lively", Role::Listener));
    bench.join_as(in_room("lively", Role::Speaker));
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let commands = bench.commands();
    let joins: Vec<_> = commands
        .iter()
        .filter_map(asked)
        .filter_map(|(_, ask)| match ask {
            Ask::Join(join) => Some((join.room, join.role)),
            _ => None,
        })
        .take(4)
        .collect();
    let of = |room: &str, role: i32| (room.to_owned(), role);
    let expected = [of("agora", 0), of("silent", 0), of("lively", 1), of("agora", 0)];
    assert_eq!(joins, expected);
    let subscribed =
        sent(&commands).iter().filter(|(_, body)| matches!(body, Body::Subscribe(_))).count();
    assert_eq!(subscribed, 3, "all rooms are subscribed with the first portion");
}

#[test]
fn an_owner_that_has_forgotten_very_many_rooms_closes_them_all() {
    let rooms = 1_000;
    let mut bench = Bench::limited(Limits { participants_max: rooms, rooms_max: rooms });
    bench.link_up(LINK);
    for room in 0..rooms {
        bench.join_as(in_room(&format!("room-{room}"), Role::Listener));
    }
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let mut closed = 0;
    loop {
        let commands = bench.commands();
        let ended = |c: &&Command| matches!(c, Command::End { reason: Some("room-closed"), .. });
        closed += commands.iter().filter(ended).count();
        let asks: Vec<_> = commands.iter().filter_map(asked).collect();
        if asks.is_empty() {
            break;
        }
        for (id, _) in asks {
            bench.respond(NEXT, id, Answer::Problem(Problem { status: 404, ..Problem::default() }));
        }
    }
    assert_eq!(closed, rooms);
}

#[test]
fn a_link_announces_no_more_tracks_than_it_carries() {
    let mut bench = Bench::linked();
    let max = TRACKS_PER_LINK_MAX as u64;
    for track in 1..=max + 3 {
        bench.bind(LINK, track);
    }
    let refused = |bench: &Bench| bench.metrics.limits.tracks.get();
    assert_eq!(refused(&bench), 3);
    bench.bind(LINK, 1);
    bench.hub.handle_unbound(LINK, TrackId(2));
    bench.bind(LINK, max + 1);
    assert_eq!(refused(&bench), 3, "a known track and a freed place are taken");
    bench.bind(LINK, max + 2);
    assert_eq!(refused(&bench), 4);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(LINK);
    bench.bind(LINK, max + 2);
    assert_eq!(refused(&bench), 4, "a new link begins anew");
}

#[test]
fn an_answer_over_a_new_link_to_a_question_over_the_old_one_means_nothing() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Ask(Ask::ListRooms(ListRooms::default())));
    let (id, _) = asked(&bench.commands()[0]).unwrap();
    bench.link_up(NEXT);
    bench.respond(NEXT, id, Answer::Rooms(Default::default()));
    assert!(bench.commands().is_empty());
    bench.respond(LINK, id, Answer::Rooms(Default::default()));
    answer_to(ticket, &bench.commands()).unwrap();
}

#[test]
fn a_flapping_link_does_not_multiply_the_reminders() {
    let mut bench = Bench::linked();
    for _ in 0..5 {
        bench.join(Role::Listener);
    }
    for link in 2..20 {
        bench.hub.handle_link_down(LinkId(link - 1), bench.now);
        bench.link_up(LinkId(link));
        let joins = bench.commands().iter().filter_map(asked).count();
        assert_eq!(joins, 5);
    }
    bench.pass(Duration::from_secs(4));
    assert_eq!(bench.commands().iter().filter_map(asked).count(), 0);
}

fn in_room(room: &str, role: Role) -> Newcomer {
    Newcomer { room: RoomId::new(room).unwrap(), ..Bench::newcomer(role) }
}
