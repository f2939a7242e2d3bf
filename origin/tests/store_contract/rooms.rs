//! What every store of durable rooms promises. Each promise uses rooms of its own, whose names begin with `prefix`.

use stoa_origin::store::{
    Answer, Appointment, Ban, LogEntry, Operation, Ownership, RoomChange, Settings, Store,
    StoreError,
};
use stoa_protocol::ids::Role;

use crate::vocabulary::{change, done, entry, node, ownership, record, refused, room, stored};

pub(crate) async fn all(store: &dyn Store, prefix: &str) {
    a_room_is_stored_once_and_read_back(store, prefix).await;
    a_write_of_an_older_epoch_is_fenced(store, prefix).await;
    of_two_claims_on_the_same_reading_one_wins(store, prefix).await;
    appointments_and_bans_are_kept_and_lifted(store, prefix).await;
    the_log_is_read_by_page_and_a_replayed_entry_changes_nothing(store, prefix).await;
    trimming_removes_the_oldest_and_no_more(store, prefix).await;
    an_amended_entry_takes_the_place_of_the_old_one_and_brings_none_back(store, prefix).await;
    an_erased_room_leaves_nothing(store, prefix).await;
    rooms_are_listed_by_id_and_page(store, prefix).await;
    what_is_too_long_is_refused_with_its_name(store, prefix).await;
}

async fn a_room_is_stored_once_and_read_back(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}once");
    let record = record(&name);
    assert_eq!(stored(store, &name).await, None);

    done(store, Operation::Create(Box::new(record.clone()))).await;
    let again = refused(store, Operation::Create(Box::new(record.clone()))).await;

    assert_eq!(again, StoreError::Conflict { what: "the room exists already" });
    let read = stored(store, &name).await.unwrap();
    assert_eq!(read.revision, 1);
    assert_eq!(stoa_origin::store::RoomRecord { revision: 0, ..read }, record);
}

async fn a_write_of_an_older_epoch_is_fenced(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}fence");
    let topic = |topic: &str| {
        RoomChange::Settings(Settings { topic: topic.to_owned(), ..Settings::default() })
    };
    assert_eq!(refused(store, change(&name, 1, topic("a"))).await, StoreError::Absent);
    done(store, Operation::Create(Box::new(record(&name)))).await;
    done(store, change(&name, 1, topic("of the first owner"))).await;
    let next = Ownership { standby: Some(node("o1")), ..ownership("o2", 5) };
    let claim = Operation::Claim { room: room(&name), before: ownership("o1", 1), next };
    done(store, claim).await;

    let changes = [
        topic("late"),
        RoomChange::Close { at_ms: 1 },
        RoomChange::Appoint { identity: "x".to_owned(), role: Some(Role::Host) },
        RoomChange::Unban { identity: "x".to_owned() },
        RoomChange::Append(vec![entry(1, 1)]),
        RoomChange::Amend(vec![entry(1, 1)]),
    ];
    for late in changes {
        let error = refused(store, change(&name, 1, late)).await;
        assert_eq!(error, StoreError::Fenced { stored: 5 });
    }
    let ahead = refused(store, change(&name, 6, topic("early"))).await;
    assert_eq!(ahead.label(), "conflict");

    done(store, change(&name, 5, RoomChange::Close { at_ms: 77 })).await;
    done(store, change(&name, 5, RoomChange::Close { at_ms: 99 })).await;
    let read = stored(store, &name).await.unwrap();
    assert_eq!(read.settings.topic, "of the first owner");
    assert_eq!((read.closed_ms, read.revision), (Some(77), 4));
    assert_eq!(read.ownership.standby, Some(node("o1")));
}

async fn of_two_claims_on_the_same_reading_one_wins(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}claim");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let claim = |by: &str, epoch: u64| Operation::Claim {
        room: room(&name),
        before: ownership("o1", 1),
        next: ownership(by, epoch),
    };

    let outcomes = futures_join(store.apply(claim("o2", 2)), store.apply(claim("o3", 2))).await;

    let won = [&outcomes.0, &outcomes.1].iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    let winner = if outcomes.0.is_ok() { "o2" } else { "o3" };
    assert_eq!(stored(store, &name).await.unwrap().ownership, ownership(winner, 2));
    assert_eq!(refused(store, claim("o4", 9)).await, StoreError::Fenced { stored: 2 });
    let foreign = Operation::Claim {
        room: room(&name),
        before: ownership("o9", 2),
        next: ownership("o4", 3),
    };
    let foreign = refused(store, foreign).await;
    assert_eq!(foreign, StoreError::Conflict { what: "the room has another owner" });
    let unknown = Operation::Claim {
        room: room(&name),
        before: Ownership { standby: Some(node("o3")), ..ownership(winner, 2) },
        next: ownership("o3", 3),
    };
    let unknown = refused(store, unknown).await;
    assert_eq!(unknown, StoreError::Conflict { what: "the room has another standby" });
    let kept = Operation::Claim {
        room: room(&name),
        before: ownership(winner, 2),
        next: ownership("o4", 2),
    };
    assert_eq!(refused(store, kept).await.label(), "conflict", "a new owner needs a newer epoch");
}

async fn appointments_and_bans_are_kept_and_lifted(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}people");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let appoint = |identity: &str, role| {
        change(&name, 1, RoomChange::Appoint { identity: identity.to_owned(), role })
    };
    for identity in ["anna", "bo b", "ćiro"] {
        done(store, appoint(identity, Some(Role::Speaker))).await;
    }
    done(store, appoint("anna", Some(Role::Moderator))).await;
    done(store, appoint("bo b", None)).await;
    done(store, appoint("nobody", None)).await;
    let ban = |identity: &str, reason: &str| Ban {
        identity: identity.to_owned(),
        by: "anna".to_owned(),
        at_ms: 5,
        reason: reason.to_owned(),
        until_ms: (reason == "noise").then_some(9),
    };
    for (identity, reason) in [("x", "noise"), ("y", "rude"), ("x", "again"), ("z", "noise")] {
        done(store, change(&name, 1, RoomChange::Ban(ban(identity, reason)))).await;
    }
    done(store, change(&name, 1, RoomChange::Unban { identity: "y".to_owned() })).await;

    let appointments = |after: &str, limit| Operation::Appointments {
        room: room(&name),
        after: after.to_owned(),
        limit,
    };
    let appointed = |identity: &str, role| Appointment { identity: identity.to_owned(), role };
    let (anna, ciro) = (appointed("anna", Role::Moderator), appointed("ćiro", Role::Speaker));
    let first = store.apply(appointments("", 1)).await;
    assert_eq!(first, Ok(Answer::Appointments(vec![anna])));
    let rest = store.apply(appointments("anna", 10)).await;
    assert_eq!(rest, Ok(Answer::Appointments(vec![ciro])));
    let bans = Operation::Bans { room: room(&name), after: String::new(), limit: 10 };
    let expected = vec![ban("x", "again"), ban("z", "noise")];
    assert_eq!(store.apply(bans).await, Ok(Answer::Bans(expected)));
}

async fn the_log_is_read_by_page_and_a_replayed_entry_changes_nothing(
    store: &dyn Store,
    prefix: &str,
) {
    let name = format!("{prefix}log");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let append = |sequences: &[u64]| {
        let entries = sequences.iter().map(|sequence| entry(*sequence, 100)).collect();
        change(&name, 1, RoomChange::Append(entries))
    };
    done(store, append(&[1, 2, 3])).await;
    done(store, append(&[2, 3, 5])).await;
    done(store, append(&[])).await;
    let disorder = refused(store, append(&[7, 6])).await;

    assert_eq!(disorder.label(), "conflict");
    let log = |after, limit| Operation::Log { room: room(&name), after, limit };
    let page = |sequences: &[u64]| {
        Ok(Answer::Log(sequences.iter().map(|sequence| entry(*sequence, 100)).collect()))
    };
    assert_eq!(store.apply(log(0, 2)).await, page(&[1, 2]));
    assert_eq!(store.apply(log(2, 10)).await, page(&[3, 5]));
    assert_eq!(store.apply(log(5, 10)).await, page(&[]));
    assert_eq!(stored(store, &name).await.unwrap().log_end, 5);
}

async fn trimming_removes_the_oldest_and_no_more(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}trim");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let entries = (1..=4).map(|n| entry(n, n * 10)).collect();
    done(store, change(&name, 1, RoomChange::Append(entries))).await;
    let trim = |before_ms| Operation::Trim { room: room(&name), before_ms };

    assert_eq!(store.apply(trim(30)).await, Ok(Answer::Trimmed(2)));
    assert_eq!(store.apply(trim(30)).await, Ok(Answer::Trimmed(0)));

    let left = store.apply(Operation::Log { room: room(&name), after: 0, limit: 10 }).await;
    assert_eq!(left, Ok(Answer::Log(vec![entry(3, 30), entry(4, 40)])));
    assert_eq!(stored(store, &name).await.unwrap().log_end, 4);
}

async fn an_amended_entry_takes_the_place_of_the_old_one_and_brings_none_back(
    store: &dyn Store,
    prefix: &str,
) {
    let name = format!("{prefix}amend");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let entries = (1..=4).map(|n| entry(n, n * 10)).collect();
    done(store, change(&name, 1, RoomChange::Append(entries))).await;
    let trim = Operation::Trim { room: room(&name), before_ms: 20 };
    assert_eq!(store.apply(trim).await, Ok(Answer::Trimmed(1)));
    let erased = |sequence| LogEntry { actor: "erased".to_owned(), ..entry(sequence, 1) };

    for _ in 0..2 {
        let amend = RoomChange::Amend(vec![erased(1), erased(3), erased(9)]);
        done(store, change(&name, 1, amend)).await;
    }

    let left = store.apply(Operation::Log { room: room(&name), after: 0, limit: 10 }).await;
    assert_eq!(left, Ok(Answer::Log(vec![entry(2, 20), erased(3), entry(4, 40)])));
    assert_eq!(stored(store, &name).await.unwrap().log_end, 4);
}

async fn an_erased_room_leaves_nothing(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}erase");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    done(store, change(&name, 1, RoomChange::Append(vec![entry(1, 1)]))).await;
    let host = RoomChange::Appoint { identity: "anna".to_owned(), role: Some(Role::Host) };
    done(store, change(&name, 1, host)).await;
    let early = Operation::Erase { room: room(&name), epoch: 0 };
    assert_eq!(refused(store, early).await, StoreError::Fenced { stored: 1 });

    done(store, Operation::Erase { room: room(&name), epoch: 1 }).await;

    assert_eq!(stored(store, &name).await, None);
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let log = Operation::Log { room: room(&name), after: 0, limit: 10 };
    assert_eq!(store.apply(log).await, Ok(Answer::Log(vec![])));
    let appointments =
        Operation::Appointments { room: room(&name), after: String::new(), limit: 10 };
    assert_eq!(store.apply(appointments).await, Ok(Answer::Appointments(vec![])));
}

async fn rooms_are_listed_by_id_and_page(store: &dyn Store, prefix: &str) {
    let names: Vec<String> = ["c", "a", "b"].map(|n| format!("{prefix}zlist-{n}")).to_vec();
    for name in &names {
        done(store, Operation::Create(Box::new(record(name)))).await;
    }
    let page = async |after: &str, limit| {
        let after = Some(room(&format!("{prefix}{after}")));
        match store.apply(Operation::Rooms { after, limit }).await {
            Ok(Answer::Rooms(rooms)) => {
                let names = rooms.into_iter().map(|record| String::from(record.room));
                let own = |name: &String| name.starts_with(&format!("{prefix}zlist"));
                names.filter(own).collect::<Vec<String>>()
            }
            other => panic!("{other:?}"),
        }
    };
    let expected =
        |n: &[&str]| -> Vec<String> { n.iter().map(|n| format!("{prefix}zlist-{n}")).collect() };
    assert_eq!(page("zlist", 2).await, expected(&["a", "b"]));
    assert_eq!(page("zlist-b", 2).await, expected(&["c"]));
    assert_eq!(page("zlist-c", 2).await, expected(&[]));
}

async fn what_is_too_long_is_refused_with_its_name(store: &dyn Store, prefix: &str) {
    let name = format!("{prefix}limits");
    done(store, Operation::Create(Box::new(record(&name)))).await;
    let long = "x".repeat(5_000);
    let settings = RoomChange::Settings(Settings { topic: long.clone(), ..Settings::default() });
    let appoint = RoomChange::Appoint { identity: long, role: None };
    let many = RoomChange::Append((1..=65).map(|n| entry(n, 1)).collect());

    for (operation, what) in [
        (change(&name, 1, settings), "the topic"),
        (change(&name, 1, appoint), "the identity"),
        (change(&name, 1, many), "the number of log entries"),
        (Operation::Rooms { after: None, limit: 257 }, "the page"),
    ] {
        match refused(store, operation).await {
            StoreError::Limit { what: found, .. } => assert_eq!(found, what),
            other => panic!("{other:?}"),
        }
    }
}

async fn futures_join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    tokio::join!(a, b)
}
