//! What survives a lost link.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Answer, Ask, Body, Problem};

use super::bench::{Bench, LINK, answer_to, asked, sent};
use crate::rooms::{Command, Limits, Order};

const NEXT: LinkId = LinkId(2);

#[test]
fn questions_under_way_fail_with_the_link_and_people_stay() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    let read = bench.order(Order::Read(stoa_protocol::ids::RoomId::new("agora").unwrap()));
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
fn many_people_are_reminded_of_in_portions() {
    let mut bench = Bench::limited(Limits { participants_max: 1_000, rooms_max: 10 });
    bench.link_up(LINK);
    for _ in 0..300 {
        bench.join(Role::Listener);
    }
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(NEXT);
    let mut asks: Vec<_> = bench.commands().iter().filter_map(asked).collect();
    assert_eq!(asks.len(), crate::rooms::owner::REJOINS_MAX);
    let mut joined = 0;
    while let Some((id, Ask::Join(_))) = asks.pop() {
        joined += 1;
        bench.respond(NEXT, id, Answer::Room(super::bench::info("agora")));
        asks.extend(bench.commands().iter().filter_map(asked));
    }
    assert_eq!(joined, 300);
}

#[test]
fn an_answer_over_a_new_link_to_a_question_over_the_old_one_means_nothing() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::List { after: String::new(), limit: 1 });
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
