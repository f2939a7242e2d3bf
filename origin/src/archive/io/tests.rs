//! The archive over a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus::Registry;
use stoa_protocol::ids::{NodeId, Role, RoomId};
use stoa_protocol::mesh::control::{Answer as Told, Erased, LogPage};

use super::Archive;
use crate::archive::Retention;
use crate::keeping::Scribe;
use crate::room::ERASED;
use crate::service::{Look, Person};
use crate::store::{
    Answer, Ban, BlockKey, DurableConfig, KeptBlock, KeptRevocation, LogEntry, Operation,
    Ownership, RoomChange, RoomRecord, Settings, StoreConfig, Stores,
};

const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = 1_000 * DAY_MS;

struct Kept {
    stores: Arc<Stores>,
    archive: Archive,
}

impl Kept {
    fn new() -> Self {
        let config = StoreConfig { durable: DurableConfig::Memory, ..StoreConfig::default() };
        let stores = Arc::new(Stores::open(&config, &Registry::new()).unwrap());
        Self { archive: Archive::new(Scribe::new(stores.clone())), stores }
    }

    async fn done(&self, operation: Operation) {
        assert_eq!(self.stores.ask(operation).await, Ok(Answer::Done));
    }

    async fn change(&self, room: &str, change: RoomChange) {
        self.done(Operation::Change { room: id(room), epoch: 1, change }).await;
    }

    /// A room of a tenant with a log of so many entries, of a day each, the newest of today.
    async fn room(&self, room: &str, tenant: &str, entries: u64) {
        let policy = format!(r#"{{"tenant": "{tenant}"}}"#);
        let settings = Settings { policy, ..Settings::default() };
        let owner = Some(NodeId::new("o1").unwrap());
        let ownership = Ownership { owner, standby: None, epoch: 1 };
        let record = RoomRecord::new(id(room), settings, ownership, 1);
        self.done(Operation::Create(Box::new(record))).await;
        for first in (1..=entries).step_by(50) {
            let some = (first..=entries.min(first + 49)).map(|n| LogEntry {
                sequence: n,
                at_ms: NOW_MS - (entries - n) * DAY_MS,
                actor: if n % 2 == 0 { "ada".into() } else { "bob".into() },
                what: "muted".into(),
                subject: "eve".into(),
                detail: String::new(),
            });
            self.change(room, RoomChange::Append(some.collect())).await;
        }
    }

    async fn log(&self, room: &str, before: u64, limit: u32, person: Option<Person>) -> Told {
        let (room, tenant) = (id(room), String::new());
        self.archive.answer(Look::Log { room, tenant, before, limit, person }).await
    }

    async fn left(&self, room: &str) -> Vec<LogEntry> {
        let log = Operation::Log { room: id(room), after: 0, limit: 256 };
        match self.stores.ask(log).await {
            Ok(Answer::Log(entries)) => entries,
            other => panic!("{other:?}"),
        }
    }
}

fn id(room: &str) -> RoomId {
    RoomId::new(room).unwrap()
}

fn code(told: &Told) -> &str {
    match told {
        Told::Problem(problem) => &problem.code,
        _ => "",
    }
}

fn numbers(told: &Told) -> (Vec<u64>, u64) {
    match told {
        Told::Log(LogPage { entries, next }) => (entries.iter().map(|e| e.number).collect(), *next),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_log_of_a_room_that_is_over_is_read_to_its_beginning() {
    let kept = Kept::new();
    kept.room("r", "", 250).await;
    kept.change("r", RoomChange::Close { at_ms: NOW_MS }).await;
    let (mut before, mut all) = (0, Vec::new());
    loop {
        let (page, next) = numbers(&kept.log("r", before, 100, None).await);
        all.extend(page);
        before = next;
        if before == 0 {
            break;
        }
    }
    assert_eq!(all, (1..=250).rev().collect::<Vec<_>>());
    assert_eq!(code(&kept.log("nowhere", 0, 10, None).await), "room-not-found");
    kept.room("foreign", "acme", 1).await;
    assert_eq!(code(&kept.log("foreign", 0, 10, None).await), "room-not-found");
}

#[tokio::test]
async fn a_person_reads_the_log_of_a_room_that_is_over_as_what_he_was_there() {
    let kept = Kept::new();
    kept.room("r", "", 3).await;
    for (identity, role) in [("mo", Role::Moderator), ("fallen", Role::Listener)] {
        let (identity, role) = (identity.to_owned(), Some(role));
        kept.change("r", RoomChange::Appoint { identity, role }).await;
    }
    for (identity, until_ms) in [("troll", None), ("late", Some(NOW_MS))] {
        let (by, reason) = ("hana".to_owned(), String::new());
        let ban = Ban { identity: identity.into(), by, at_ms: 1, reason, until_ms };
        kept.change("r", RoomChange::Ban(ban)).await;
    }
    let cases = [
        ("mo", Role::Listener, ""),
        ("hana", Role::Host, ""),
        ("fallen", Role::Host, "forbidden"),
        ("leo", Role::Speaker, "forbidden"),
        ("troll", Role::Host, "banned"),
        ("late", Role::Host, ""),
    ];
    for (identity, role, expected) in cases {
        let person = Person { identity: identity.into(), role, at_ms: NOW_MS };
        let told = kept.log("r", 0, 10, Some(person)).await;
        assert_eq!(code(&told), expected, "{identity}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_nothing_else_does() {
    let kept = Kept::new();
    for room in ["over", "fresh", "live"] {
        kept.room(room, "", 40).await;
    }
    kept.change("over", RoomChange::Close { at_ms: NOW_MS - 8 * DAY_MS }).await;
    kept.change("fresh", RoomChange::Close { at_ms: NOW_MS - 6 * DAY_MS }).await;
    let now_s = NOW_MS / 1_000;
    for (id, expires_unix_s) in [("old", now_s), ("new", now_s + 1), ("key", u64::MAX)] {
        let revocation = KeptRevocation { id: id.into(), body: "{}".into(), expires_unix_s };
        kept.done(Operation::Revoke(Box::new(revocation))).await;
    }

    let retention = Retention { log_days: 10, closed_rooms_days: 7 };
    kept.archive.retain(retention, NOW_MS).await;

    let tally = kept.archive.tally();
    assert_eq!(tally.rooms.load(Ordering::Relaxed), 1);
    assert_eq!(tally.entries.load(Ordering::Relaxed), 58);
    assert_eq!(tally.failures.load(Ordering::Relaxed), 0);
    assert_eq!(kept.stores.ask(Operation::Room(id("over"))).await, Ok(Answer::Room(None)));
    assert_eq!(kept.left("over").await, []);
    for room in ["fresh", "live"] {
        let left: Vec<u64> = kept.left(room).await.iter().map(|entry| entry.sequence).collect();
        assert_eq!(left, (30..=40).collect::<Vec<_>>());
    }
    assert_eq!(numbers(&kept.log("live", 0, 5, None).await), (vec![40, 39, 38, 37, 36], 36));
    assert_eq!(numbers(&kept.log("live", 32, 5, None).await), (vec![31, 30], 0));
    let page = Operation::Revocations { after: String::new(), limit: 10 };
    let Ok(Answer::Revocations(left)) = kept.stores.ask(page).await else { panic!("no page") };
    assert_eq!(left.iter().map(|kept| kept.id.as_str()).collect::<Vec<_>>(), ["key", "new"]);

    let for_good = Retention { log_days: 0, closed_rooms_days: 0 };
    kept.archive.retain(for_good, NOW_MS * 2).await;
    assert_eq!(kept.left("fresh").await.len(), 11);
}

#[tokio::test]
async fn an_erased_identity_is_named_in_no_room_of_its_tenant() {
    let kept = Kept::new();
    for (room, tenant) in [("over", ""), ("live", ""), ("foreign", "acme"), ("other", "")] {
        kept.room(room, tenant, if room == "other" { 1 } else { 300 }).await;
    }
    for room in ["over", "foreign"] {
        let role = Some(Role::Host);
        kept.change(room, RoomChange::Appoint { identity: "ada".into(), role }).await;
        for (identity, by) in [("ada", "bob"), ("eve", "ada")] {
            let (identity, by, reason) = (identity.into(), by.into(), String::new());
            kept.change(
                room,
                RoomChange::Ban(Ban { identity, by, at_ms: 1, reason, until_ms: None }),
            )
            .await;
        }
    }
    let erase = || Look::Erase {
        tenant: String::new(),
        identity: "ada".into(),
        live: BTreeMap::from([(id("live"), 101)]),
        erased: Erased { rooms: 1, log_entries: 100, ..Erased::default() },
    };

    let Told::Erased(erased) = kept.archive.answer(erase()).await else { panic!("not erased") };

    // 150 entries of the one room; of the other those below 101, and what memory has done.
    let expected =
        Erased { rooms: 2, appointments: 1, bans: 2, log_entries: 300, ..Erased::default() };
    assert_eq!(erased, expected);
    let named = async |room: &str, name: &str| {
        let read = Operation::Log { room: id(room), after: 256, limit: 256 };
        let Ok(Answer::Log(rest)) = kept.stores.ask(read).await else { panic!("no log") };
        let all = kept.left(room).await;
        all.iter().chain(&rest).filter(|entry| entry.actor == name).count()
    };
    assert_eq!((named("over", "ada").await, named("over", ERASED).await), (0, 150));
    assert_eq!((named("live", "ada").await, named("live", ERASED).await), (100, 50));
    assert_eq!(named("foreign", "ada").await, 150, "another tenant's");
    let bans = Operation::Bans { room: id("over"), after: String::new(), limit: 10 };
    let Ok(Answer::Bans(bans)) = kept.stores.ask(bans).await else { panic!("no bans") };
    let bans: Vec<_> = bans.iter().map(|ban| (ban.identity.as_str(), ban.by.as_str())).collect();
    assert_eq!(bans, [("eve", ERASED)]);
    let Told::Erased(again) = kept.archive.answer(erase()).await else { panic!("not erased") };
    assert_eq!(again.rooms, 1, "nothing is left");
}

#[tokio::test]
async fn an_erased_identity_stands_on_no_stored_list_of_its_tenant() {
    let kept = Kept::new();
    let key = |tenant: &str, identity: &str, other: &str| BlockKey {
        tenant: tenant.into(),
        identity: identity.into(),
        other: other.into(),
    };
    let crowd: Vec<String> = (0..300).map(|number| format!("{number:03}")).collect();
    let of_crowd = crowd.iter().map(|other| key("default", "ada", other));
    let left = [key("acme", "ada", "bob"), key("default", "bob", "eve")];
    let named = [key("default", "zoe", "ada")];
    for key in of_crowd.chain(left.clone()).chain(named) {
        kept.done(Operation::Block(Box::new(KeptBlock { key, at_ms: 1 }))).await;
    }
    let (tenant, identity) = (String::new(), "ada".to_owned());
    let (live, erased) = (BTreeMap::new(), Erased { blocks: 301, ..Erased::default() });

    let told = kept.archive.answer(Look::Erase { tenant, identity, live, erased }).await;

    assert_eq!(told, Told::Erased(erased));
    let page = Operation::Blocks { after: None, limit: 256 };
    let Ok(Answer::Blocks(page)) = kept.stores.ask(page).await else { panic!("no page") };
    assert_eq!(page.into_iter().map(|kept| kept.key).collect::<Vec<_>>(), left);
}
