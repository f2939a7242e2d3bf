//! What is asked of all origins.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{
    Answer, Ask, Done, ListRooms, Problem, Revoke, RoomInfo, RoomPage,
};

use super::bench::{Bench, LINK, answer_to, asked};
use crate::rooms::{Command, Order, Reply};

#[test]
fn one_list_is_made_of_the_pages_of_all_origins_that_answer_in_time() {
    let mut bench = three_origins();
    let ticket = bench.order(list(3));
    let ids = requests(&bench.commands());
    let links: Vec<LinkId> = ids.iter().map(|(link, _)| *link).collect();
    assert_eq!(links, [LINK, LinkId(2), LinkId(3)]);
    bench.respond(LINK, ids[0].1, page(&["a", "d"], ""));
    bench.respond(LinkId(2), ids[1].1, page(&["b", "c"], ""));
    bench.pass(Duration::from_millis(1_999));
    assert!(bench.commands().iter().all(|c| !matches!(c, Command::Answer { .. })));
    bench.pass(Duration::from_millis(1));
    let Ok(Reply::Answered(answer)) = answer_to(ticket, &bench.commands()) else { panic!() };
    assert_eq!(*answer, page(&["a", "b", "c"], "c"));
    assert_eq!(bench.metrics.ownership.lists_incomplete.get(), 1);
    bench.respond(LinkId(3), ids[2].1, page(&["x"], ""));
    assert!(bench.commands().is_empty(), "it is too late");
}

#[test]
fn a_list_waits_for_no_origin_whose_link_is_lost() {
    let mut bench = three_origins();
    let ticket = bench.order(list(9));
    let ids = requests(&bench.commands());
    bench.respond(LINK, ids[0].1, page(&["a"], ""));
    bench.respond(LinkId(3), ids[2].1, page(&[], ""));
    bench.hub.handle_link_down(LinkId(2), bench.now);
    let Ok(Reply::Answered(answer)) = answer_to(ticket, &bench.commands()) else { panic!() };
    assert_eq!(*answer, page(&["a"], ""));
}

#[test]
fn a_list_that_every_origin_refuses_is_refused() {
    let mut bench = three_origins();
    let ticket = bench.order(list(0));
    for (link, id) in requests(&bench.commands()) {
        bench.respond(link, id, Answer::Problem(Problem { status: 400, ..Problem::default() }));
    }
    assert_eq!(answer_to(ticket, &bench.commands()).unwrap_err().status, 400);
}

#[test]
fn every_origin_hears_of_a_revocation_and_one_of_them_answers() {
    let mut bench = three_origins();
    let ticket = bench.order(Order::Ask(Ask::Revoke(Revoke::default())));
    let ids = requests(&bench.commands());
    let mut links: Vec<LinkId> = ids.iter().map(|(link, _)| *link).collect();
    links.sort();
    assert_eq!(links, [LINK, LinkId(2), LinkId(3)]);
    for (link, id) in ids {
        bench.respond(link, id, Answer::Done(Done {}));
    }
    assert!(answer_to(ticket, &bench.commands()).is_ok());
}

fn three_origins() -> Bench {
    let mut bench = Bench::linked();
    bench.link_to(LinkId(2), "origin-2");
    bench.link_to(LinkId(3), "origin-3");
    bench
}

fn list(limit: u32) -> Order {
    Order::Ask(Ask::ListRooms(ListRooms { limit, ..ListRooms::default() }))
}

fn page(rooms: &[&str], next: &str) -> Answer {
    let info = |room: &&str| RoomInfo { room: (*room).to_owned(), ..RoomInfo::default() };
    Answer::Rooms(RoomPage { rooms: rooms.iter().map(info).collect(), next: next.to_owned() })
}

fn requests(commands: &[Command]) -> Vec<(LinkId, u64)> {
    let request = |command: &Command| {
        let (id, _) = asked(command)?;
        match command {
            Command::Send { link, .. } => Some((*link, id)),
            _ => None,
        }
    };
    commands.iter().filter_map(request).collect()
}
