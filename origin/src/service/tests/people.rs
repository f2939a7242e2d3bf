//! What people do to each other, as edges see it: who is told first, and what becomes of their audio.

use std::time::Duration;

use stoa_protocol::mesh::control::{
    Act, Answer, Ask, Body, ChangeRoom, CloseRoom, CreateRoom, Deed, Join, ListBans,
    ListParticipants, ListRooms, Personal, Reaction, Reactions, ReadLog, Request, RoomSettings,
    Standing, WireRole,
};

use super::world::{World, join_ask, track};
use crate::room::REACTIONS_INTERVAL;

fn act(by: &str, deed: Deed, participant: &str) -> Act {
    Act {
        room: "r".into(),
        by: by.into(),
        deed: deed.into(),
        participant: participant.into(),
        ..Act::default()
    }
}

fn standing(body: &Body) -> Option<Standing> {
    match body {
        Body::Standing(standing) => Some(standing.clone()),
        _ => None,
    }
}

/// A room with a host at Amsterdam and a listener at Singapore who has joined with a track.
fn agora() -> (World, stoa_link::LinkId, stoa_link::LinkId) {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join(ams, "r", "hana", WireRole::Host);
    world.join(sin, "r", "leo", WireRole::Listener);
    world.subscribe(ams, "r");
    (world, ams, sin)
}

#[test]
fn a_listener_is_heard_once_he_is_on_the_stage_and_no_longer_than_that() {
    let (mut world, ams, sin) = agora();
    world.bind(sin, "r", "leo");
    assert_eq!(world.speak(sin, "r", "leo"), [], "his track was refused: he is a listener");
    world.ask(sin, Ask::Act(act("leo", Deed::RaiseHand, "leo")));
    world.take(sin, standing);

    assert_eq!(
        world.ask(ams, Ask::Act(act("hana", Deed::AcceptHand, "leo"))),
        Answer::Done(Default::default())
    );
    let told = world.take(sin, standing);
    assert_eq!((told.len(), told[0].role, told[0].muted), (1, WireRole::Speaker.into(), false));
    world.bind(sin, "r", "leo");
    assert_eq!(world.speak(sin, "r", "leo"), [ams]);

    let demote = Act { role: WireRole::Listener.into(), ..act("hana", Deed::SetRole, "leo") };
    world.ask(ams, Ask::Act(demote));
    assert_eq!(world.take(sin, standing)[0].role, i32::from(WireRole::Listener));
    world.advance(Duration::from_millis(20));
    assert_eq!(world.speak(sin, "r", "leo"), [], "whatever his edge sends");
    assert!(!world.bound[&ams].contains_key(&track("r", "leo")));
}

#[test]
fn somebody_hears_how_he_stands_before_the_answer_to_his_join_and_before_the_room_does() {
    let (mut world, ams, sin) = agora();
    let kept = world.sent[&sin].iter().position(|body| standing(body).is_some());
    let room = world.sent[&sin].iter().position(|body| matches!(body, Body::RoomState(_)));
    assert!(kept < room, "{:?}", world.sent[&sin]);
    world.sent.clear();
    world.ask(ams, Ask::Act(act("hana", Deed::Remove, "leo")));
    let told = &world.sent[&sin];
    assert!(
        matches!(&told[0], Body::Standing(standing) if standing.ended == "removed"),
        "{told:?}"
    );
    assert_eq!(world.problem(sin, Ask::Act(act("leo", Deed::RaiseHand, "leo"))).status, 404);
}

#[test]
fn somebody_who_comes_back_elsewhere_is_heard_from_there_and_from_nowhere_else() {
    let (mut world, ams, sin) = agora();
    let promote = Act { role: WireRole::Speaker.into(), ..act("hana", Deed::SetRole, "leo") };
    world.ask(ams, Ask::Act(promote));
    world.bind(sin, "r", "leo");
    let iad = world.up(3, "iad");
    let Ask::Join(join) = join_ask("r", "leo", WireRole::Listener) else { unreachable!() };
    let other = track("r", "leo's phone");
    let again = Join { resumes: true, track: other.0, ..join };

    assert!(matches!(world.ask(iad, Ask::Join(again)), Answer::Room(_)));

    assert_eq!(world.take(sin, standing).last().unwrap().ended, "replaced");
    assert_eq!(world.take(iad, standing)[0].role, i32::from(WireRole::Speaker));
    assert_eq!(world.speak(sin, "r", "leo"), []);
    let binding = stoa_link::TrackBinding { track: other, ..World::binding("r", "leo") };
    world.service.handle_bound(iad, &binding, world.now);
    world.pump();
    let frame = stoa_audio::frame::Frame { track: other, ..world.frame("r", "leo") };
    // Whoever is unmuted by nobody but himself is not heard before he says so.
    world.mute(iad, "r", "leo", false);
    assert_eq!(world.send_frame(iad, &frame), [ams]);
}

#[test]
fn lists_tell_open_rooms_of_one_tenant_and_what_is_searched_for() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let rooms = [
        ("a", "Agora", 0, "", "el"),
        ("b", "Back room", 1, "", ""),
        ("c", "AGORA too", 0, "shop", ""),
    ];
    for (room, name, visibility, tenant, language) in rooms {
        let settings = RoomSettings {
            visibility: Some(visibility),
            language: Some(language.into()),
            topic: Some("Justice".into()),
            ..RoomSettings::default()
        };
        let ask = CreateRoom {
            room: room.into(),
            name: name.into(),
            settings: Some(settings),
            tenant: tenant.into(),
            ..CreateRoom::default()
        };
        assert!(matches!(world.ask(ams, Ask::CreateRoom(ask)), Answer::Room(_)));
    }
    let mut list = |ask: ListRooms| match world.ask(ams, Ask::ListRooms(ask)) {
        Answer::Rooms(page) => page.rooms.into_iter().map(|info| info.room).collect::<String>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(list(ListRooms::default()), "a");
    assert_eq!(list(ListRooms { all: true, ..ListRooms::default() }), "ab");
    assert_eq!(list(ListRooms { tenant: "shop".into(), ..ListRooms::default() }), "c");
    assert_eq!(list(ListRooms { search: "aGo".into(), all: true, ..ListRooms::default() }), "a");
    assert_eq!(
        list(ListRooms { search: "justice".into(), all: true, ..ListRooms::default() }),
        "ab"
    );
    assert_eq!(list(ListRooms { language: "EL".into(), all: true, ..ListRooms::default() }), "a");
}

#[test]
fn people_bans_and_the_log_are_told_in_pages() {
    let (mut world, ams, sin) = agora();
    world.join(sin, "r", "lia", WireRole::Listener);
    world.ask(ams, Ask::Act(act("hana", Deed::Ban, "leo")));
    let room = || "r".to_owned();
    let list = ListParticipants { room: room(), limit: 1, ..ListParticipants::default() };
    let Answer::Participants(page) = world.ask(ams, Ask::ListParticipants(list)) else { panic!() };
    assert_eq!((page.participants[0].participant.as_str(), page.next.as_str()), ("hana", "hana"));
    assert_eq!(page.participants[0].identity, "", "nobody asked for identities");
    let Answer::Bans(page) =
        world.ask(ams, Ask::ListBans(ListBans { room: room(), ..ListBans::default() }))
    else {
        panic!()
    };
    assert_eq!(
        (page.bans[0].identity.as_str(), page.bans[0].by.as_str()),
        ("leo@example.org", "hana@example.org")
    );
    let Answer::Log(page) =
        world.ask(ams, Ask::ReadLog(ReadLog { room: room(), limit: 1, ..ReadLog::default() }))
    else {
        panic!()
    };
    assert_eq!((page.entries[0].event.as_str(), page.next), ("banned", page.entries[0].number));
    let events: Vec<_> = std::iter::from_fn(|| world.service.next_event()).collect();
    let names: Vec<_> = events.iter().map(|one| one.event.happening.name()).collect();
    let expected = [
        "room-created",
        "participant-joined",
        "participant-joined",
        "participant-joined",
        "participant-left",
        "banned",
    ];
    assert_eq!(names, expected);
}

#[test]
fn reactions_of_all_edges_are_summed_up_for_all_edges() {
    let (mut world, ams, sin) = agora();
    let react = |reaction: &str, count| {
        let counts = vec![Reaction { reaction: reaction.into(), count }];
        Body::Reactions(Reactions { room: "r".into(), counts })
    };
    let heard = |body: &Body| match body {
        Body::Reactions(reactions) => Some(reactions.counts[0].count),
        _ => None,
    };
    world.control(ams, react("👏", 1));
    world.control(sin, react("👏", 3));
    world.control(ams, react("👏", 4));
    world.control(ams, react("boo", 4));
    world.advance(REACTIONS_INTERVAL);
    assert_eq!((world.take(ams, heard), world.take(sin, heard)), (vec![1, 7], vec![1, 7]));
    assert_eq!(world.service.counts().controls_refused.len(), 1);
}

#[test]
fn a_back_end_acts_by_its_authority_and_the_log_says_who_it_was() {
    let (mut world, ams, _) = agora();
    let by_shop = |authority: WireRole| Act {
        authority: authority.into(),
        actor: "shop".into(),
        role: WireRole::Moderator.into(),
        ..act("", Deed::SetRole, "leo")
    };
    assert_eq!(world.problem(ams, Ask::Act(by_shop(WireRole::Moderator))).code, "forbidden");
    assert!(matches!(world.ask(ams, Ask::Act(by_shop(WireRole::Host))), Answer::Done(_)));
    let nameless = Act { actor: String::new(), ..by_shop(WireRole::Host) };
    assert_eq!(world.problem(ams, Ask::Act(nameless)).code, "text-invalid");
    let change = ChangeRoom {
        room: "r".into(),
        settings: Some(RoomSettings { name: Some("Stoa".into()), ..RoomSettings::default() }),
        authority: WireRole::Host.into(),
        actor: "shop".into(),
        ..ChangeRoom::default()
    };
    let Answer::Room(info) = world.ask(ams, Ask::ChangeRoom(change)) else { panic!() };
    assert_eq!((info.name.as_str(), info.speakers), ("Stoa", 2));
}

/// What somebody asks over the API, by a token that makes him `role`.
fn personal(who: &str, role: WireRole, ask: Ask) -> Ask {
    let request = Some(Box::new(Request { id: 0, ask: Some(ask) }));
    let identity = format!("{who}@example.org");
    Ask::Personal(Personal { identity, role: role.into(), request })
}

#[test]
fn after_a_hand_over_the_room_is_the_new_hosts_to_read_and_to_close_and_not_the_old_ones() {
    let (mut world, ams, sin) = agora();
    world.ask(ams, Ask::Act(act("hana", Deed::HandOver, "leo")));
    let room = || "r".to_owned();
    let close = || Ask::CloseRoom(CloseRoom { room: room(), ..CloseRoom::default() });
    let log = || Ask::ReadLog(ReadLog { room: room(), ..ReadLog::default() });

    let refused = world.problem(ams, personal("hana", WireRole::Host, close()));
    assert_eq!((refused.status, refused.code.as_str()), (403, "forbidden"));
    let read = world.ask(sin, personal("leo", WireRole::Listener, log()));
    assert!(matches!(read, Answer::Log(_)), "{read:?}");
    let refused = world.problem(sin, personal("zoe", WireRole::Speaker, log()));
    assert_eq!(refused.code, "forbidden");
    let nested = personal("leo", WireRole::Listener, personal("leo", WireRole::Host, close()));
    assert_eq!(world.problem(sin, nested).code, "unknown-request");
    let closed = world.ask(sin, personal("leo", WireRole::Listener, close()));
    assert_eq!(closed, Answer::Done(Default::default()));
    assert_eq!(world.service.rooms_len(), 0);
    let happened = std::iter::from_fn(|| world.service.next_event()).last().unwrap().event;
    assert_eq!(
        (happened.happening.name(), happened.entry.actor.as_str()),
        ("room-closed", "leo@example.org")
    );
}

#[test]
fn identities_are_told_to_whoever_moderates_here_and_to_nobody_else() {
    let (mut world, ams, sin) = agora();
    world.ask(ams, Ask::Act(act("hana", Deed::HandOver, "leo")));
    let list = |hands| {
        let list =
            ListParticipants { room: "r".into(), identities: true, hands, ..Default::default() };
        Ask::ListParticipants(list)
    };
    for (who, role, told) in [("leo", WireRole::Listener, true), ("zoe", WireRole::Speaker, false)]
    {
        let page = world.ask(sin, personal(who, role, list(false)));
        let Answer::Participants(page) = page else { panic!("{page:?}") };
        assert!(page.participants.iter().all(|one| one.identity.is_empty() != told), "{page:?}");
        let hands = world.ask(sin, personal(who, role, list(true)));
        assert_eq!(matches!(hands, Answer::Participants(_)), told, "{hands:?}");
    }
}
