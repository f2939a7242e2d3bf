//! Whose rooms somebody may touch, and whose tokens hold no longer.

use stoa_link::LinkId;
use stoa_protocol::ids::TenantId;
use stoa_protocol::mesh::control::{
    Act, Answer, Ask, Body, ChangeRoom, CloseRoom, CreateRoom, Deed, Join, Leave, ListBans,
    ListParticipants, REVOCATIONS_PER_MESSAGE_MAX, ReadLog, ReadRoom, Revocations, Revoke,
    SetMuted, WireRevocation, WireRole,
};
use stoa_protocol::token::{Revocation, Revoked};

use super::world::{UNIX_MS, World, join_ask};

/// Everything that can be asked about the room `r`, by somebody of this tenant.
fn asks(tenant: &str) -> Vec<Ask> {
    let (room, tenant) = ("r".to_owned(), tenant.to_owned());
    let authority = WireRole::Host.into();
    let Ask::Join(join) = join_ask("r", "eve", WireRole::Listener) else { unreachable!() };
    let actor = "back-end".to_owned();
    let act = Act {
        room: room.clone(),
        actor: actor.clone(),
        tenant: tenant.clone(),
        authority,
        deed: Deed::MuteAll.into(),
        ..Act::default()
    };
    let mute = SetMuted {
        room: room.clone(),
        tenant: tenant.clone(),
        participant: "eve".into(),
        authority,
        actor: actor.clone(),
        ..SetMuted::default()
    };
    let change = ChangeRoom {
        room: room.clone(),
        tenant: tenant.clone(),
        authority,
        actor,
        ..ChangeRoom::default()
    };
    let people = ListParticipants {
        room: room.clone(),
        tenant: tenant.clone(),
        ..ListParticipants::default()
    };
    vec![
        Ask::Join(Join { tenant: tenant.clone(), ..join }),
        Ask::Act(act),
        Ask::SetMuted(mute),
        Ask::ChangeRoom(change),
        Ask::ReadRoom(ReadRoom { room: room.clone(), tenant: tenant.clone() }),
        Ask::ListParticipants(people),
        Ask::ReadLog(ReadLog { room: room.clone(), tenant: tenant.clone(), ..ReadLog::default() }),
        Ask::ListBans(ListBans {
            room: room.clone(),
            tenant: tenant.clone(),
            ..ListBans::default()
        }),
        Ask::CloseRoom(CloseRoom { room, tenant }),
    ]
}

fn create(world: &mut World, link: LinkId, ask: CreateRoom) -> Answer {
    world.ask(link, Ask::CreateRoom(CreateRoom { name: "R".into(), ..ask }))
}

#[test]
fn another_tenants_room_is_as_one_that_is_not_there() {
    for (own, others) in [("", ["acme", "globex"]), ("acme", ["", "default"])] {
        let mut world = World::new();
        let ams = world.up(1, "ams");
        let ask = CreateRoom { room: "r".into(), tenant: own.into(), ..CreateRoom::default() };
        assert!(matches!(create(&mut world, ams, ask), Answer::Room(_)));
        for other in others {
            for ask in asks(other) {
                let problem = world.problem(ams, ask.clone());
                let nowhere = Ask::ReadRoom(ReadRoom { room: "r".into(), tenant: other.into() });
                let absent = world.problem(ams, nowhere);
                assert_eq!((problem.status, &*problem.code), (404, "room-not-found"), "{ask:?}");
                assert_eq!(problem, absent, "nothing tells the two apart");
            }
        }
        for ask in asks(own) {
            let answer = world.ask(ams, ask.clone());
            assert!(!matches!(answer, Answer::Problem(_)), "{ask:?} {answer:?}");
        }
    }
}

#[test]
fn the_default_tenant_may_be_named_or_not() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let ask = CreateRoom { room: "r".into(), tenant: "default".into(), ..CreateRoom::default() };
    let Answer::Room(info) = create(&mut world, ams, ask) else { panic!("no room") };
    assert_eq!(info.tenant, "");
    for name in ["", "default"] {
        let read = ReadRoom { room: "r".into(), tenant: name.into() };
        assert!(matches!(world.ask(ams, Ask::ReadRoom(read)), Answer::Room(_)), "{name}");
    }
}

#[test]
fn a_tenant_makes_as_many_rooms_as_its_quota_says_and_others_are_not_counted() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let of = |room: &str, tenant: &str| CreateRoom {
        room: room.into(),
        tenant: tenant.into(),
        tenant_rooms_max: Some(2),
        ..CreateRoom::default()
    };
    for (room, tenant) in [("a", "acme"), ("b", "acme"), ("c", "globex")] {
        assert!(matches!(create(&mut world, ams, of(room, tenant)), Answer::Room(_)), "{room}");
    }
    let Answer::Problem(problem) = create(&mut world, ams, of("d", "acme")) else {
        panic!("one room too many")
    };
    assert_eq!((problem.status, &*problem.code, problem.retry_after_s), (429, "quota-rooms", 30));
    let close = CloseRoom { room: "a".into(), tenant: "acme".into() };
    world.ask(ams, Ask::CloseRoom(close));
    assert!(matches!(create(&mut world, ams, of("d", "acme")), Answer::Room(_)));
}

fn of_token(jti: &str, expires_unix_s: u64) -> Revocation {
    let tenant = TenantId::new("acme").unwrap();
    Revocation { tenant, revoked: Revoked::Token { jti: jti.into() }, expires_unix_s }
}

fn revoke(jti: &str) -> Ask {
    let revocation = Some(WireRevocation::from(of_token(jti, u64::MAX)));
    Ask::Revoke(Revoke { revocation, actor: "back-end".into() })
}

fn told(body: &Body) -> Option<Revocations> {
    if let Body::Revocations(revocations) = body { Some(revocations.clone()) } else { None }
}

#[test]
fn a_revocation_reaches_every_edge_and_is_kept_no_longer_than_tokens_live() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    assert!(matches!(world.ask(ams, revoke("t-1")), Answer::Done(_)));
    let now = UNIX_MS / 1_000;
    let expected =
        Revocation::new(TenantId::new("acme").unwrap(), Revoked::Token { jti: "t-1".into() }, now);
    for link in [ams, sin] {
        let heard = world.take(link, told);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].revocations, [WireRevocation::from(expected.clone())]);
    }
}

#[test]
fn an_edge_that_links_later_hears_of_all_revocations_in_portions() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for number in 0..=REVOCATIONS_PER_MESSAGE_MAX {
        world.ask(ams, revoke(&format!("t-{number}")));
    }
    // Repeating one changes nothing.
    world.ask(ams, revoke("t-0"));
    let sin = world.up(2, "sin");
    let heard = world.take(sin, told);
    let sizes: Vec<usize> = heard.iter().map(|portion| portion.revocations.len()).collect();
    assert_eq!(sizes, [REVOCATIONS_PER_MESSAGE_MAX, 1]);
    assert_eq!(world.service.revocations_len(), REVOCATIONS_PER_MESSAGE_MAX + 1);
}

#[test]
fn what_revokes_nothing_is_refused_and_told_to_nobody() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let nothing = Ask::Revoke(Revoke { revocation: None, actor: String::new() });
    assert_eq!(world.problem(ams, nothing).code, "revocation-malformed");
    assert_eq!(world.problem(ams, revoke("")).code, "revocation-malformed");
    assert!(world.take(ams, told).is_empty());
}

#[test]
fn the_participants_of_a_tenant_are_counted_across_edges_and_rooms() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    for (room, tenant) in [("a", "acme"), ("b", "acme"), ("c", "")] {
        let (room, name, tenant) = (room.into(), "A room".into(), tenant.into());
        let ask = CreateRoom { room, name, tenant, ..CreateRoom::default() };
        assert!(matches!(world.ask(ams, Ask::CreateRoom(ask)), Answer::Room(_)));
    }
    let join = |room: &str, who: &str, tenant: &str| {
        let Ask::Join(join) = join_ask(room, who, WireRole::Listener) else { unreachable!() };
        let tenant_participants_max = Some(2);
        Ask::Join(Join { tenant: tenant.into(), tenant_participants_max, ..join })
    };
    let joined = |answer: Answer| matches!(answer, Answer::Room(_));
    assert!(joined(world.ask(ams, join("a", "ada", "acme"))));
    assert!(joined(world.ask(sin, join("b", "bob", "acme"))));
    let full = world.problem(sin, join("a", "eve", "acme"));
    assert_eq!((full.status, full.code.as_str()), (429, "quota-participants"));
    assert!(joined(world.ask(ams, join("a", "ada", "acme"))), "who is here is not counted twice");
    assert!(joined(world.ask(sin, join("c", "zoe", ""))), "another tenant's");
    let leave = Leave { room: "b".into(), participant: "bob".into() };
    world.ask(sin, Ask::Leave(leave));
    assert!(joined(world.ask(sin, join("a", "eve", "acme"))));
    let close = CloseRoom { room: "a".into(), tenant: "acme".into() };
    world.ask(ams, Ask::CloseRoom(close));
    for who in ["ada", "eve"] {
        assert!(
            joined(world.ask(ams, join("b", who, "acme"))),
            "a room that ends frees its places"
        );
    }
}
