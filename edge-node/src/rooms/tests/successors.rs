//! Rooms that change their owner, and people who notice nothing of it.

use std::time::Duration;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{
    self, Answer, Ask, Body, CreateRoom, Deed, Owns, Problem, Reactions, RoomEpoch, RoomState,
    Selection, Superseded,
};

use super::bench::{Bench, LINK, Person, ROOM, answer_to, asked, frame, info, sent};
use crate::rooms::{Action, Command, Order, Reply};

const STANDBY: LinkId = LinkId(2);

#[test]
fn an_owner_dies_and_another_takes_over_and_nobody_is_told_anything() {
    let mut bench = two_origins();
    let (speaker, listener) = (bench.join(Role::Speaker), bench.join(Role::Listener));
    bench.state(1, &[(&speaker, false)]);
    bench.pass(Duration::from_secs(10));
    bench.agree();
    bench.hub.handle_link_down(LINK, bench.now);
    assert_unnoticed(&bench.commands());
    assert!(bench.say(&speaker, 1).unwrap().stage.is_some(), "the stage of this edge goes on");
    let hand = bench.order(act(&listener, Deed::RaiseHand));
    let join = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    let unmute = Order::SetMuted { by: speaker.session, participant: None, muted: false };
    let unmute = bench.order(unmute);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.metrics.ownership.held.get(), 3);
    assert!(bench.commands().iter().all(|c| !matches!(c, Command::Answer { .. })));

    bench.hear(STANDBY, owns("origin-2", ROOM, 2));
    let commands = bench.commands();
    let told: Vec<&str> = commands.iter().filter_map(kind).collect();
    let expected = ["join", "bind", "subscribe", "join", "act", "join", "mute", "orphans"];
    assert_eq!(told, expected, "{commands:?}");
    assert!(links(&commands).iter().all(|link| *link == STANDBY));
    let again: Vec<_> = commands.iter().filter_map(join_of).map(|join| join.resumes).collect();
    assert_eq!(again, [true, true, false]);
    assert_unnoticed(&commands);

    for (id, ask) in commands.iter().filter_map(asked) {
        let join = matches!(ask, Ask::Join(_));
        let answer = if join { Answer::Room(info(ROOM)) } else { Answer::Done(Default::default()) };
        bench.respond(STANDBY, id, answer);
    }
    let commands = bench.commands();
    assert!(matches!(answer_to(hand, &commands), Ok(Reply::Answered(_))));
    assert!(matches!(answer_to(join, &commands), Ok(Reply::Prepared(_))));
    assert!(matches!(answer_to(unmute, &commands), Ok(Reply::Done)));
    assert_eq!(bench.say(&speaker, 2).unwrap().owner, Some(STANDBY));
    let counts = &bench.metrics.ownership;
    assert_eq!((counts.told.get(), counts.held_asked.get(), counts.held.get()), (1, 3, 0));
}

#[test]
fn what_was_under_way_to_a_dead_owner_is_asked_of_the_next_one() {
    let mut bench = two_origins();
    let listener = bench.join(Role::Listener);
    let hand = bench.order(act(&listener, Deed::RaiseHand));
    let made = Order::Create(CreateRoom { room: "other".into(), ..CreateRoom::default() });
    let made = bench.order(made);
    bench.commands();
    bench.hub.handle_link_down(LINK, bench.now);
    let refused = answer_to(made, &bench.commands()).unwrap_err();
    assert_eq!(refused.code, "owner-unreachable", "a room must not be made twice");
    bench.hear(STANDBY, owns("origin-2", ROOM, 2));
    assert!(matches!(answer_to(hand, &bench.agree()), Ok(Reply::Answered(_))));
}

#[test]
fn people_wait_for_a_successor_for_three_seconds_and_then_are_told() {
    let mut bench = two_origins();
    let listener = bench.join(Role::Listener);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.commands();
    bench.pass(Duration::from_secs(1));
    let (hand, join) = (
        bench.order(act(&listener, Deed::RaiseHand)),
        bench.order(Order::Prepare(Bench::newcomer(Role::Listener))),
    );
    bench.pass(Duration::from_millis(1_999));
    assert!(bench.commands().iter().all(|c| !matches!(c, Command::Answer { .. })));
    bench.pass(Duration::from_millis(1));
    let commands = bench.commands();
    for ticket in [hand, join] {
        let refused = answer_to(ticket, &commands).unwrap_err();
        assert_eq!((refused.code.as_str(), refused.retry_after_s), ("owner-unreachable", 1));
    }
    assert_eq!(bench.metrics.ownership.held_given_up.get(), 2);
    let refused = bench.settle(act(&listener, Deed::LowerHand)).unwrap_err();
    assert_eq!(refused.code, "owner-unreachable");
    assert!(!bench.hub.is_idle(), "who is here stays");
}

#[test]
fn no_more_than_a_thousand_requests_wait_for_a_successor() {
    let mut bench = two_origins();
    let listener = bench.join(Role::Listener);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.commands();
    for _ in 0..1_000 {
        bench.order(act(&listener, Deed::RaiseHand));
    }
    assert!(bench.commands().is_empty());
    let refused = bench.settle(act(&listener, Deed::RaiseHand)).unwrap_err();
    assert_eq!((refused.status, bench.metrics.limits.held.get()), (503, 1));
}

#[test]
fn a_link_that_comes_back_before_anybody_took_over_serves_those_who_waited() {
    let mut bench = two_origins();
    let listener = bench.join(Role::Listener);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.commands();
    let hand = bench.order(act(&listener, Deed::RaiseHand));
    bench.pass(Duration::from_millis(400));
    bench.link_to(LinkId(7), "origin-1");
    let commands = bench.commands();
    let told: Vec<&str> = commands.iter().filter_map(kind).collect();
    assert_eq!(told, ["join", "subscribe", "act", "orphans"]);
    assert_eq!(links(&commands)[..3], [LinkId(7); 3]);
    let (id, _) = commands.iter().filter_map(asked).next_back().unwrap();
    bench.respond(LinkId(7), id, Answer::Done(Default::default()));
    assert!(answer_to(hand, &bench.commands()).is_ok());
    assert_eq!(bench.metrics.ownership.returned.get(), 1);
}

#[test]
fn a_frozen_owner_that_wakes_up_changes_nothing_and_is_told_once_a_second() {
    let mut bench = two_origins();
    let speaker = bench.join(Role::Speaker);
    bench.state(1, &[(&speaker, false)]);
    bench.bind(LINK, 99);
    bench.hear(STANDBY, owns("origin-2", ROOM, 2));
    bench.agree();
    let closed = RoomState {
        info: Some(info(ROOM)),
        epoch: 1,
        version: 9,
        closed: true,
        ..RoomState::default()
    };
    let ended = control::Standing {
        room: ROOM.into(),
        epoch: 1,
        participant: speaker.id().to_string(),
        ended: "removed".into(),
        ..control::Standing::default()
    };
    let selection = Selection { room: ROOM.into(), epoch: 1, decision: 9, ..Selection::default() };
    bench.hear(LINK, Body::RoomState(closed));
    bench.hear(LINK, Body::Standing(ended.clone()));
    bench.hear(LINK, Body::Selection(selection));
    bench.hear(LINK, Body::Reactions(Reactions { room: ROOM.into(), ..Reactions::default() }));
    let superseded = || Body::Superseded(Superseded { room: ROOM.into(), epoch: 2 });
    let commands = bench.commands();
    assert_eq!(sent(&commands), [(LINK, superseded())]);
    assert_eq!(commands.len(), 1, "{commands:?}");
    bench.pass(Duration::from_secs(1));
    bench.hear(LINK, Body::Standing(ended));
    let told = sent(&bench.commands());
    let told: Vec<_> = told.iter().filter(|(_, b)| matches!(b, Body::Superseded(_))).collect();
    assert_eq!(told, [&(LINK, superseded())]);
    assert_eq!(bench.metrics.ownership.stale.get(), 5);
    let route = bench.hub.route_from_link(LINK, &frame(TrackId(99), 1), bench.now);
    assert!(route.stage.is_none() && route.audience.is_none());
    assert_eq!(bench.metrics.dropped.other_owner.get(), 1);
    assert_eq!(bench.say(&speaker, 1).unwrap().owner, Some(STANDBY));
}

#[test]
fn an_older_claim_is_refused_and_an_equal_one_decides_only_about_orphans() {
    let mut bench = two_origins();
    let speaker = bench.join(Role::Speaker);
    bench.state(1, &[(&speaker, false)]);
    bench.commands();
    bench.hear(STANDBY, owns("origin-2", ROOM, 0));
    let superseded = Body::Superseded(Superseded { room: ROOM.into(), epoch: 1 });
    assert_eq!(sent(&bench.commands()), [(STANDBY, superseded)]);
    bench.hear(STANDBY, owns("origin-2", ROOM, 1));
    bench.hear(LINK, owns("origin-1", ROOM, 1));
    assert!(bench.commands().is_empty());
    assert_eq!(bench.say(&speaker, 1).unwrap().owner, Some(LINK));
    bench.hub.handle_link_down(LINK, bench.now);
    bench.hear(STANDBY, owns("origin-2", ROOM, 1));
    assert_eq!(bench.say(&speaker, 2).unwrap().owner, Some(STANDBY));
}

#[test]
fn a_planned_hand_over_lets_the_old_owner_go_and_tells_the_new_one_of_everybody() {
    let mut bench = two_origins();
    let (speaker, _) = (bench.join(Role::Speaker), bench.join(Role::Listener));
    bench.state(1, &[(&speaker, false)]);
    bench.pass(Duration::from_secs(10));
    bench.agree();
    bench.hear(LINK, owns("origin-2", ROOM, 2));
    let commands = bench.commands();
    let told: Vec<&str> = commands.iter().filter_map(kind).collect();
    assert_eq!(told, ["unbind", "unsubscribe", "join", "bind", "subscribe", "join"]);
    assert_eq!(links(&commands), [LINK, LINK, STANDBY, STANDBY, STANDBY, STANDBY]);
    assert_unnoticed(&commands);
    bench.hub.handle_link_down(LINK, bench.now);
    let commands = bench.commands();
    assert!(commands.is_empty(), "the old owner has nothing more of it: {commands:?}");
}

#[test]
fn who_was_let_in_by_an_owner_that_handed_over_meanwhile_is_known_to_the_new_one() {
    let mut bench = two_origins();
    bench.join(Role::Listener);
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Speaker)));
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    bench.hear(LINK, owns("origin-2", ROOM, 2));
    bench.agree();
    bench.respond(LINK, id, Answer::Room(info(ROOM)));
    let commands = bench.commands();
    assert!(matches!(answer_to(ticket, &commands), Ok(Reply::Prepared(_))));
    let told: Vec<&str> = commands.iter().filter_map(kind).collect();
    assert_eq!((told, links(&commands)), (vec!["join", "bind"], vec![STANDBY, STANDBY]));
}

#[test]
fn a_former_owner_cannot_close_a_room_by_not_knowing_it() {
    let mut bench = two_origins();
    bench.join(Role::Speaker);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(LinkId(3));
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    bench.hear(STANDBY, owns("origin-2", ROOM, 2));
    bench.agree();
    bench.respond(LinkId(3), id, Answer::Problem(Problem { status: 404, ..Problem::default() }));
    assert!(bench.commands().is_empty() && !bench.hub.is_idle());
}

#[test]
fn a_room_whose_new_owner_is_not_linked_yet_waits_for_it() {
    let mut bench = two_origins();
    let speaker = bench.join(Role::Speaker);
    bench.commands();
    bench.hear(LINK, owns("origin-3", ROOM, 5));
    assert_eq!(bench.say(&speaker, 1).unwrap().owner, None);
    let told: Vec<&str> = bench.commands().iter().filter_map(kind).collect();
    assert_eq!(told, ["unbind", "unsubscribe", "orphans", "orphans"]);
    let hand = bench.order(act(&speaker, Deed::RaiseHand));
    bench.link_to(LinkId(3), "origin-3");
    assert!(answer_to(hand, &bench.agree()).is_ok());
    assert_eq!(bench.say(&speaker, 2).unwrap().owner, Some(LinkId(3)));
}

fn two_origins() -> Bench {
    let mut bench = Bench::linked();
    bench.link_to(STANDBY, "origin-2");
    bench
}

pub(super) fn owns(owner: &str, room: &str, epoch: u32) -> Body {
    let rooms = vec![RoomEpoch { room: room.into(), epoch }];
    Body::Owns(Owns { owner: owner.into(), rooms })
}

pub(super) fn act(person: &Person, deed: Deed) -> Order {
    Order::Act { by: person.session, action: Action::new(deed) }
}

fn join_of(command: &Command) -> Option<control::Join> {
    match asked(command) {
        Some((_, Ask::Join(join))) => Some(join),
        _ => None,
    }
}

/// What goes out over links, by its name.
pub(super) fn kind(command: &Command) -> Option<&'static str> {
    match command {
        Command::Bind { .. } => Some("bind"),
        Command::Unbind { .. } => Some("unbind"),
        Command::Send { body, .. } => Some(match &**body {
            Body::Request(request) => match request.ask.as_ref().unwrap() {
                Ask::Join(_) => "join",
                Ask::Act(_) => "act",
                Ask::SetMuted(_) => "mute",
                _ => "ask",
            },
            Body::Subscribe(_) => "subscribe",
            Body::Unsubscribe(_) => "unsubscribe",
            Body::Orphans(_) => "orphans",
            _ => "other",
        }),
        _ => None,
    }
}

/// Where it goes.
fn links(commands: &[Command]) -> Vec<LinkId> {
    let link = |command: &Command| match command {
        Command::Bind { link, .. } | Command::Unbind { link, .. } | Command::Send { link, .. } => {
            Some(*link)
        }
        _ => None,
    };
    commands.iter().filter_map(link).collect()
}

/// Nothing that a person or a session would notice.
fn assert_unnoticed(commands: &[Command]) {
    let noticed = |c: &Command| kind(c).is_none();
    assert!(!commands.iter().any(noticed), "{commands:?}");
}
