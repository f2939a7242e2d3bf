//! Rooms that are elsewhere, and requests that find their way.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, Role};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CreateRoom, Deed, OriginInfo, Origins, Problem, ReadRoom, Request,
};

use super::bench::{Bench, LINK, ROOM, answer_to, asked, info};
use super::successors::act;
use crate::rooms::{Command, Order, Reply};

const OTHER: LinkId = LinkId(2);

#[test]
fn a_join_finds_the_owner_by_the_word_of_another_and_nobody_notices() {
    let mut bench = two_origins();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Speaker)));
    let (link, id, _) = last_request(&bench.commands());
    assert_eq!(link, LINK, "nobody knows better");
    bench.respond(LINK, id, elsewhere("origin-2"));
    let commands = bench.commands();
    let (link, id, ask) = last_request(&commands);
    assert!(matches!((link, &ask), (OTHER, Ask::Join(_))));
    assert!(commands.iter().all(|c| !matches!(c, Command::Answer { .. })));
    bench.respond(OTHER, id, Answer::Room(info(ROOM)));
    let commands = bench.commands();
    assert!(matches!(answer_to(ticket, &commands), Ok(Reply::Prepared(_))));
    assert!(commands.iter().any(|c| matches!(c, Command::Bind { link: OTHER, .. })));
    assert_eq!(bench.metrics.ownership.redirects.get(), 1);
}

#[test]
fn who_joins_in_two_turns_is_heard_by_the_owner_at_once() {
    let mut bench = two_origins();
    bench.link_to(LinkId(3), "origin-3");
    bench.order(Order::Prepare(Bench::newcomer(Role::Speaker)));
    for (link, named) in [(LINK, "origin-2"), (OTHER, "origin-3")] {
        let (_, id, _) = last_request(&bench.commands());
        bench.respond(link, id, elsewhere(named));
    }
    let (link, id, _) = last_request(&bench.commands());
    assert_eq!(link, LinkId(3));
    bench.respond(link, id, Answer::Room(info(ROOM)));
    let commands = bench.commands();
    assert!(commands.iter().any(|c| matches!(c, Command::Bind { link: LinkId(3), .. })));
    assert!(commands.iter().filter_map(asked).next().is_none(), "nobody is reminded of");
}

#[test]
fn the_owner_of_a_room_without_anybody_here_is_remembered() {
    let mut bench = two_origins();
    let first = bench.order(read());
    let (_, id, _) = last_request(&bench.commands());
    bench.respond(LINK, id, elsewhere("origin-2"));
    let (_, id, _) = last_request(&bench.commands());
    bench.respond(OTHER, id, Answer::Room(info(ROOM)));
    assert!(answer_to(first, &bench.commands()).is_ok());
    bench.order(read());
    assert_eq!(last_request(&bench.commands()).0, OTHER);
}

#[test]
fn origins_that_send_each_other_a_request_for_ever_are_left_after_two_turns() {
    let mut bench = two_origins();
    let ticket = bench.order(read());
    for (link, named) in [(LINK, "origin-2"), (OTHER, "origin-1"), (LINK, "origin-2")] {
        let (asked, id, _) = last_request(&bench.commands());
        assert_eq!(asked, link);
        bench.respond(link, id, elsewhere(named));
    }
    let commands = bench.commands();
    let refused = answer_to(ticket, &commands).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (503, "owner-unreachable"));
    assert_eq!((commands.len(), bench.metrics.limits.redirects.get()), (1, 1));
}

#[test]
fn a_redirected_request_has_no_more_time_than_any_other() {
    let mut bench = two_origins();
    let ticket = bench.order(read());
    let (_, id, _) = last_request(&bench.commands());
    bench.pass(Duration::from_millis(4_900));
    bench.respond(LINK, id, elsewhere("origin-2"));
    bench.commands();
    bench.pass(Duration::from_millis(100));
    assert_eq!(answer_to(ticket, &bench.commands()).unwrap_err().code, "owner-silent");
}

#[test]
fn a_room_of_an_origin_that_is_not_linked_cannot_be_reached_now() {
    let mut bench = two_origins();
    for named in ["origin-9", "origin-1", "no such name"] {
        let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
        let (_, id, _) = last_request(&bench.commands());
        bench.respond(LINK, id, elsewhere(named));
        let refused = answer_to(ticket, &bench.commands()).unwrap_err();
        let code = if named == "origin-9" { "owner-unreachable" } else { "owner-confused" };
        assert_eq!(refused.code, code);
        assert!(bench.hub.is_idle());
    }
}

#[test]
fn everybody_follows_when_an_owner_says_that_the_room_is_elsewhere_and_not_in_every_round_trip() {
    let mut bench = two_origins();
    let (speaker, listener) = (bench.join(Role::Speaker), bench.join(Role::Listener));
    bench.commands();
    bench.order(act(&listener, Deed::RaiseHand));
    let (_, id, _) = last_request(&bench.commands());
    bench.respond(LINK, id, elsewhere("origin-2"));
    let commands = bench.commands();
    let joins: Vec<_> = commands.iter().filter_map(asked).collect();
    assert_eq!(joins.len(), 3, "two are reminded of, and the deed is asked again");
    assert!(commands.iter().any(|c| matches!(c, Command::Unbind { link: LINK, .. })));
    assert_eq!(bench.say(&speaker, 1).unwrap().owner, Some(OTHER));

    // The new one denies it: both are asked again only after a second.
    for (id, _) in joins {
        bench.respond(OTHER, id, elsewhere("origin-1"));
    }
    let again = bench.commands();
    let rejoins = again.iter().filter_map(asked).filter(|(_, ask)| matches!(ask, Ask::Join(_)));
    assert_eq!(rejoins.count(), 0);
    assert_eq!(bench.say(&speaker, 2).unwrap().owner, Some(OTHER));
    bench.pass(Duration::from_secs(1));
    let rejoins = bench.commands().iter().filter_map(asked).count();
    assert_eq!(rejoins, 2);
}

#[test]
fn a_question_about_a_room_without_anybody_here_is_asked_elsewhere_until_it_has_an_owner() {
    let mut bench = two_origins();
    let ticket = bench.order(read());
    bench.commands();
    bench.hub.handle_link_down(LINK, bench.now);
    for _ in 0..3 {
        let (link, id, _) = last_request(&bench.commands());
        assert_eq!(link, OTHER);
        bench.respond(OTHER, id, elsewhere("origin-1"));
        assert!(bench.commands().is_empty());
        bench.pass(Duration::from_millis(500));
    }
    let (_, id, _) = last_request(&bench.commands());
    bench.respond(OTHER, id, Answer::Room(info(ROOM)));
    assert!(answer_to(ticket, &bench.commands()).is_ok());
    // Nobody has it at the second time.
    let ticket = bench.order(read());
    for _ in 0..2 {
        let (_, id, _) = last_request(&bench.commands());
        bench.respond(OTHER, id, elsewhere("origin-1"));
        bench.pass(Duration::from_millis(1_500));
    }
    assert_eq!(answer_to(ticket, &bench.commands()).unwrap_err().code, "owner-unreachable");
}

#[test]
fn a_room_is_made_by_the_nearest_origin_and_then_asked_for_there() {
    let mut bench = two_origins();
    bench.hub.handle_measured(LINK, Duration::from_millis(80), 0);
    bench.hub.handle_measured(OTHER, Duration::from_millis(20), 0);
    bench.order(Order::Create(CreateRoom::default()));
    let (link, id, _) = last_request(&bench.commands());
    assert_eq!(link, OTHER);
    bench.respond(OTHER, id, Answer::Room(info(ROOM)));
    bench.commands();
    bench.order(read());
    assert_eq!(last_request(&bench.commands()).0, OTHER);
}

#[test]
fn origins_that_are_named_are_dialled_unless_they_are_linked() {
    let mut bench = Bench::linked();
    let origins = ["origin-1", "origin-2"].map(|node| OriginInfo {
        node: node.into(),
        address: format!("{node}.example:7443"),
        ..OriginInfo::default()
    });
    let told = || Body::Origins(Origins { origins: origins.to_vec() });
    bench.hear(LINK, told());
    let commands = bench.commands();
    let [Command::Dial { targets }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(targets.iter().collect::<Vec<_>>(), ["origin-2.example:7443"]);
    bench.link_to(OTHER, "origin-2");
    bench.hear(OTHER, told());
    assert!(bench.commands().is_empty());
    bench.hear(OTHER, Body::Origins(Origins { origins: origins[1..].to_vec() }));
    bench.hear(LINK, Body::Origins(Origins { origins: origins[..1].to_vec() }));
    bench.hub.handle_link_down(OTHER, bench.now);
    let commands = bench.commands();
    let [Command::Dial { targets }] = &commands[..] else { panic!("{commands:?}") };
    assert!(targets.is_empty(), "it named itself, and is gone");
}

fn two_origins() -> Bench {
    let mut bench = Bench::linked();
    bench.link_to(OTHER, "origin-2");
    bench
}

fn read() -> Order {
    Order::Ask(Ask::ReadRoom(ReadRoom { room: ROOM.into(), ..ReadRoom::default() }))
}

fn elsewhere(owner: &str) -> Answer {
    assert!(owner.contains(' ') || NodeId::new(owner).is_ok());
    let (code, owner) = ("room-elsewhere".to_owned(), owner.to_owned());
    Answer::Problem(Problem { status: 421, code, owner, ..Problem::default() })
}

fn last_request(commands: &[Command]) -> (LinkId, u64, Ask) {
    let mut requests = commands.iter().filter_map(|command| match command {
        Command::Send { link, body } => match &**body {
            Body::Request(Request { id, ask }) => Some((*link, *id, ask.clone()?)),
            _ => None,
        },
        _ => None,
    });
    requests.next_back().unwrap_or_else(|| panic!("nothing was asked: {commands:?}"))
}
