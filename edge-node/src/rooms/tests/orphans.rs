//! What origins hear of lost owners.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Body, Orphans};

use super::bench::{Bench, LINK, sent};
use super::successors::owns;
use crate::rooms::{Command, Limits, Newcomer, Order};

const OTHER: LinkId = LinkId(2);

#[test]
fn orphans_are_told_in_parts_to_everybody_else_and_again_to_who_comes_later() {
    let mut bench = crowded(600);
    bench.hub.handle_link_down(LINK, bench.now);
    let commands = bench.commands();
    let parts = |commands: &[Command], link: LinkId| -> Vec<(usize, bool)> {
        told(commands, link).iter().map(|told| (told.rooms.len(), told.more)).collect()
    };
    assert_eq!(parts(&commands, OTHER), [(250, false), (250, true), (100, true)]);
    assert_eq!(parts(&commands, LINK), []);
    assert!(told(&commands, OTHER).iter().all(|told| told.owner == "origin-1"));
    assert_eq!(bench.metrics.ownership.orphans.get(), 600);

    bench.link_to(LinkId(3), "origin-3");
    let commands = bench.commands();
    assert_eq!(parts(&commands, LinkId(3)), [(250, false), (250, true), (100, true)]);
    assert_eq!(parts(&commands, OTHER), []);

    bench.link_to(LinkId(4), "origin-1");
    bench.pass(Duration::from_millis(250));
    let commands = bench.commands();
    for link in [OTHER, LinkId(3)] {
        let expected = Orphans { owner: "origin-1".into(), ..Orphans::default() };
        assert_eq!(told(&commands, link), [expected]);
    }
    assert_eq!(parts(&commands, LinkId(4)), []);
    assert_eq!(bench.metrics.ownership.orphans.get(), 0);
}

#[test]
fn what_remains_is_told_when_rooms_have_found_owners_or_ended() {
    let mut bench = crowded(3);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.commands();
    bench.hear(OTHER, owns("origin-2", "room-0", 2));
    bench.pass(Duration::from_millis(250));
    let remains = told(&bench.commands(), OTHER);
    let rooms = |told: &Orphans| -> Vec<String> {
        told.rooms.iter().map(|orphan| orphan.room.clone()).collect()
    };
    assert_eq!(remains.iter().map(rooms).collect::<Vec<_>>(), [["room-1", "room-2"]]);
    // The only one of a room leaves.
    let session = bench.hub.seats.ids()[1];
    bench.order(Order::Abandon(session));
    bench.pass(Duration::from_millis(250));
    let remains = told(&bench.commands(), OTHER);
    assert_eq!(remains.iter().map(rooms).collect::<Vec<_>>(), [["room-2"]]);
}

#[test]
fn an_owner_of_nothing_here_is_not_worth_a_word() {
    let mut bench = crowded(0);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.pass(Duration::from_secs(1));
    assert_eq!(told(&bench.commands(), OTHER), []);
}

/// An edge with so many rooms, all of origin-1.
fn crowded(rooms: usize) -> Bench {
    let mut bench = Bench::limited(Limits { participants_max: 1_000, rooms_max: 1_000 });
    bench.link_up(LINK);
    bench.link_to(OTHER, "origin-2");
    for room in 0..rooms {
        let room = RoomId::new(format!("room-{room}")).unwrap();
        bench.join_as(Newcomer { room, ..Bench::newcomer(Role::Listener) });
    }
    bench.pass(Duration::from_secs(10));
    bench.commands();
    bench
}

fn told(commands: &[Command], link: LinkId) -> Vec<Orphans> {
    let orphans = |(to, body): (LinkId, Body)| match body {
        Body::Orphans(orphans) if to == link => Some(orphans),
        _ => None,
    };
    sent(commands).into_iter().filter_map(orphans).collect()
}
