//! Requests about rooms and their answers.

use std::time::Duration;

use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CloseRoom, CreateRoom, Join, Leave, ListRooms, ReadRoom, Request, SetMuted,
    WireRole,
};

use super::world::{UNIX_MS, World, join_ask, track};
use crate::room::STATE_INTERVAL;
use crate::service::limits::{EMPTY_ROOM_LIFE, Limits, ROOM_ID_CHARS};

#[test]
fn a_room_without_a_wanted_id_gets_a_short_readable_one() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.advance(Duration::from_millis(1_500));

    let info = world.create(ams, "");

    assert_eq!(info.room.len(), ROOM_ID_CHARS);
    assert!(info.room.chars().all(|c| c.is_ascii_lowercase() || ('2'..='9').contains(&c)));
    assert_eq!(info.created_ms, UNIX_MS + 1_500);
    assert_ne!(world.create(ams, "").room, info.room);
}

#[test]
fn wrong_requests_get_a_problem_with_its_own_code() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    let create = |room: &str, name: &str| {
        Ask::CreateRoom(CreateRoom {
            room: room.into(),
            name: name.into(),
            ..CreateRoom::default()
        })
    };
    let read = Ask::ReadRoom(ReadRoom { room: "none".into(), ..ReadRoom::default() });
    let list = Ask::ListRooms(ListRooms { limit: 101, ..ListRooms::default() });
    let leave = Ask::Leave(Leave { room: "r".into(), participant: "ada".into() });
    let cases = [
        (create("r", "Twice"), 409, "room-exists"),
        (create("", ""), 400, "text-invalid"),
        (create("a/b", "Slash"), 400, "name-invalid"),
        (read, 404, "room-not-found"),
        (list, 400, "page-too-long"),
        (leave, 404, "participant-not-found"),
        (join_ask("none", "ada", WireRole::Speaker), 404, "room-not-found"),
    ];
    for (ask, status, code) in cases {
        let problem = world.problem(ams, ask);
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{}", problem.detail);
        let detail = problem.detail;
        assert!(detail.starts_with(char::is_uppercase) && detail.ends_with('.'), "{detail}");
    }
    world.control(ams, Body::Request(Request { id: 77, ask: None }));
    let last = world.sent.get_mut(&ams).unwrap().pop();
    assert!(matches!(last, Some(Body::Response(r)) if r.id == 77 && r.answer.is_some()));
    assert_eq!(world.service.counts().requests.get(&("unknown", "unknown-request")), Some(&1));
}

#[test]
fn rooms_are_listed_page_by_page_in_order_of_their_ids() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for room in ["c", "a", "b", "e", "d"] {
        world.create(ams, room);
    }
    let mut after = String::new();
    let mut pages = Vec::new();
    loop {
        let ask =
            Ask::ListRooms(ListRooms { after: after.clone(), limit: 2, ..ListRooms::default() });
        let Answer::Rooms(page) = world.ask(ams, ask) else { panic!("expected a page") };
        pages.push(page.rooms.into_iter().map(|info| info.room).collect::<Vec<_>>());
        if page.next.is_empty() {
            break;
        }
        after = page.next;
    }

    assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
}

#[test]
fn an_edge_knows_the_room_when_it_hears_that_a_join_was_granted() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Speaker);
    world.states(ams);

    // Within the interval of the first snapshot, so the regular one is not due yet.
    world.join(sin, "r", "bob", WireRole::Listener);

    let told = world.states(sin);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].epoch, world.epoch("r").0);
    assert_eq!(told[0].stage.len(), 1);
    assert!(world.states(ams).is_empty());
    world.advance(STATE_INTERVAL);
    assert_eq!(world.states(ams).len(), 1);
}

#[test]
fn a_thousand_joins_in_a_second_cost_ten_snapshots() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    for index in 0..1_000 {
        world.join(ams, "r", &format!("p{index}"), WireRole::Listener);
        world.advance(Duration::from_millis(1));
    }
    world.advance(STATE_INTERVAL);

    let states = world.states(ams);

    assert_eq!(states.len(), 11);
    assert_eq!(states.last().unwrap().info.as_ref().unwrap().listeners, 1_000);
}

#[test]
fn a_track_belongs_to_one_participant_in_the_whole_network() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.create(ams, "s");
    world.join(ams, "r", "ada", WireRole::Speaker);

    let thief = Join {
        room: "s".into(),
        participant: "eve".into(),
        identity: "eve".into(),
        name: "Eve".into(),
        role: WireRole::Speaker.into(),
        track: track("r", "ada").0,
        ..Join::default()
    };

    assert_eq!(world.problem(sin, Ask::Join(thief.clone())).code, "track-taken");
    let leave = Leave { room: "r".into(), participant: "ada".into() };
    assert!(matches!(world.ask(ams, Ask::Leave(leave)), Answer::Done(_)));
    assert!(matches!(world.ask(sin, Ask::Join(thief)), Answer::Room(_)));
}

#[test]
fn the_end_of_a_room_reaches_every_edge_and_leaves_nothing() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");
    assert_eq!(world.bound[&sin].len(), 1);
    let epoch = world.epoch("r");
    world.states(ams);
    world.states(sin);

    let answer =
        world.ask(ams, Ask::CloseRoom(CloseRoom { room: "r".into(), ..CloseRoom::default() }));

    assert!(matches!(answer, Answer::Done(_)));
    assert!(world.states(ams).last().unwrap().closed);
    assert!(world.states(sin).last().unwrap().closed);
    assert!(world.bound[&sin].is_empty());
    assert_eq!(world.service.rooms_len(), 0);
    assert_eq!(world.service.poll_timeout(), None);
    world.create(ams, "r");
    assert!(world.epoch("r") > epoch, "a room made again is newer than its predecessor");
}

#[test]
fn a_moderator_on_another_edge_mutes_a_speaker() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.join(sin, "r", "mo", WireRole::Moderator);
    world.subscribe(sin, "r");
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    let mute = SetMuted {
        room: "r".into(),
        participant: "ada".into(),
        muted: true,
        by: "mo".into(),
        ..SetMuted::default()
    };

    assert!(matches!(world.ask(sin, Ask::SetMuted(mute.clone())), Answer::Done(_)));

    world.advance(Duration::from_millis(20));
    assert!(world.speak(ams, "r", "ada").is_empty());
    assert!(world.selections(sin).last().unwrap().selected.is_empty());
    world.advance(STATE_INTERVAL);
    assert!(world.states(ams).last().unwrap().stage[0].muted);
    let forged = SetMuted { by: "ada".into(), ..mute };
    assert_eq!(world.problem(sin, Ask::SetMuted(forged)).code, "participant-elsewhere");
}

#[test]
fn a_room_in_which_nobody_is_for_long_expires() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.advance(EMPTY_ROOM_LIFE / 2);
    world.join(ams, "r", "ada", WireRole::Speaker);
    world.advance(EMPTY_ROOM_LIFE * 2);
    assert_eq!(world.service.rooms_len(), 1);
    let leave = Leave { room: "r".into(), participant: "ada".into() };
    world.ask(ams, Ask::Leave(leave));

    world.advance(EMPTY_ROOM_LIFE - Duration::from_millis(1));
    assert_eq!(world.service.rooms_len(), 1);
    world.advance(Duration::from_millis(1));

    assert_eq!(world.service.rooms_len(), 0);
    assert_eq!(world.service.counts().rooms_expired, 1);
}

#[test]
fn a_full_origin_takes_no_more_rooms() {
    let mut world = World::with_limits(Limits { rooms: 1, ..Limits::default() });
    let ams = world.up(1, "ams");
    world.create(ams, "r");

    let ask = CreateRoom { room: "s".into(), name: "S".into(), ..CreateRoom::default() };
    let problem = world.problem(ams, Ask::CreateRoom(ask));

    assert_eq!((problem.status, problem.code.as_str()), (503, "rooms-full"));
    assert!(problem.retry_after_s > 0);
}
