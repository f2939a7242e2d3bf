//! What takes the store: old pages of logs, erasure, and revocations that outlive the process.

use stoa_protocol::mesh::control::{
    Answer, Ask, Body, EraseIdentity, Personal, ReadLog, Request, Revoke, RevokedIdentity,
    WireRevocation, WireRevoked, WireRole,
};

use super::world::World;
use crate::room::LOG_ENTRIES_MAX;
use crate::service::looks::Look;
use crate::store::{Operation, RoomChange};

fn log(room: &str, before: u64, tenant: &str) -> Ask {
    let (room, tenant) = (room.to_owned(), tenant.to_owned());
    Ask::ReadLog(ReadLog { room, before, limit: 10, tenant })
}

fn personal(who: &str, role: WireRole, ask: Ask) -> Ask {
    let request = Some(Box::new(Request { id: 0, ask: Some(ask) }));
    let identity = format!("{who}@example.org");
    Ask::Personal(Personal { identity, role: role.into(), request })
}

#[test]
fn memory_answers_for_the_newest_entries_and_the_store_for_older_ones_and_ended_rooms() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    for _ in 0..LOG_ENTRIES_MAX {
        world.join(ams, "r", "ada", WireRole::Speaker);
        let (room, participant) = ("r".into(), "ada".into());
        world.ask(ams, Ask::Leave(stoa_protocol::mesh::control::Leave { room, participant }));
    }
    let Answer::Log(newest) = world.ask(ams, log("r", 0, "")) else { panic!("no page") };
    assert_eq!((newest.entries.len(), newest.next), (10, newest.entries[9].number));
    let oldest = 2_001 - LOG_ENTRIES_MAX as u64 + 1;
    let Answer::Log(last) = world.ask(ams, log("r", oldest + 1, "")) else { panic!("no page") };
    assert_eq!((last.entries.len(), last.next), (1, oldest));
    let asked = |before, person| {
        let (room, tenant) = ("r".parse().unwrap(), String::new());
        Look::Log { room, tenant, before, limit: 10, person }
    };
    assert_eq!(world.look(ams, log("r", oldest, "")), asked(oldest, None));
    let host = |ask| personal("hana", WireRole::Host, ask);
    assert_eq!(world.look(ams, host(log("r", oldest, ""))), asked(oldest, None));
    let refused = world.problem(ams, personal("leo", WireRole::Listener, log("r", oldest, "")));
    assert_eq!(refused.code, "forbidden");

    let close = stoa_protocol::mesh::control::CloseRoom { room: "r".into(), ..Default::default() };
    world.ask(ams, Ask::CloseRoom(close));
    assert_eq!(world.look(ams, log("r", 0, "")), asked(0, None));
    match world.look(ams, host(log("r", 0, ""))) {
        Look::Log { person: Some(person), .. } => assert_eq!(person.identity, "hana@example.org"),
        other => panic!("who may is to be looked up, too: {other:?}"),
    }
    assert_eq!(world.problem(ams, log("nowhere", 0, "")).code, "room-not-found");
}

#[test]
fn an_erased_identity_is_sent_out_and_its_tokens_end() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for room in ["r", "s"] {
        world.create(ams, room);
        world.join(ams, room, "ada", WireRole::Speaker);
    }
    while world.service.next_write().is_some() {}
    world.sent.clear();
    let erase = |tenant: &str| {
        let (tenant, identity) = (tenant.to_owned(), "ada@example.org".to_owned());
        Ask::EraseIdentity(EraseIdentity { tenant, identity, actor: "shop".into() })
    };

    let Look::Erase { erased, live, tenant, identity } = world.look(ams, erase("")) else {
        panic!("there is more in the store")
    };

    assert_eq!((tenant.as_str(), identity.as_str()), ("", "ada@example.org"));
    // He joined and was sent out, in each room.
    assert_eq!((erased.rooms, erased.participants, erased.log_entries), (2, 2, 4));
    assert_eq!(
        live.into_iter().map(|(room, first)| (room.to_string(), first)).collect::<Vec<_>>(),
        [("r".to_owned(), 1), ("s".to_owned(), 1)]
    );
    let told = &world.sent[&ams];
    let removed =
        told.iter().filter(|body| matches!(body, Body::Standing(s) if s.ended == "removed"));
    assert_eq!(removed.count(), 2);
    assert!(told.iter().any(|body| matches!(body, Body::Revocations(_))), "{told:?}");
    let writes: Vec<_> = std::iter::from_fn(|| world.service.next_write()).collect();
    let amended = writes.iter().filter(|write| {
        matches!(write, Operation::Change { change: RoomChange::Amend(entries), .. } if entries.len() == 2)
    });
    assert_eq!(amended.count(), 2);
    assert!(writes.iter().any(|write| matches!(write, Operation::Revoke(_))));
    let Look::Erase { erased, live, .. } = world.look(ams, erase("acme")) else {
        panic!("nothing")
    };
    assert_eq!((erased.rooms, live.len()), (0, 0), "these rooms are another tenant's");
    assert!(matches!(world.look(ams, erase("a b")), Look::Refused(_)));
}

#[test]
fn an_origin_that_starts_anew_still_refuses_what_was_revoked() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let identity = RevokedIdentity {
        identity: "ada".into(),
        issued_before_unix_s: 1_700_000_000,
        ..RevokedIdentity::default()
    };
    for revoked in [WireRevoked::Identity(identity), WireRevoked::Key("k1".into())] {
        let tenant = "acme".to_owned();
        let revocation = Some(WireRevocation { tenant, expires_unix_s: 0, revoked: Some(revoked) });
        let done = world.ask(ams, Ask::Revoke(Revoke { revocation, actor: String::new() }));
        assert!(matches!(done, Answer::Done(_)));
    }
    let kept = std::iter::from_fn(|| world.service.next_write()).filter_map(|write| match write {
        Operation::Revoke(kept) => Some(*kept),
        _ => None,
    });
    let mut kept: Vec<_> = kept.collect();
    assert_eq!(kept.len(), 2);
    kept.push(crate::store::KeptRevocation { body: "{}".into(), ..kept[0].clone() });

    let mut anew = World::new();
    assert_eq!(anew.service.restore_revocations(&kept, anew.now), 1, "one is of another version");

    assert_eq!(anew.service.revocations_len(), 2);
    let ams = anew.up(1, "ams");
    let told = anew.take(ams, |body| match body {
        Body::Revocations(told) => Some(told.revocations.len()),
        _ => None,
    });
    assert_eq!(told, [2]);
}
