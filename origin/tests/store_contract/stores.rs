//! All stores of an origin together, as its configuration names them.

use std::time::{Duration, Instant};

use prometheus::{Encoder, Registry, TextEncoder};
use stoa_origin::store::{
    Answer, DurableConfig, HotChange, HotConfig, HotRoom, Operation, RedisConfig, RedisKind,
    RoomChange, StoreConfig, Stores,
};
use stoa_runtime::configuration::Secret;

use crate::embedded::runtime;
use crate::redis_server::RedisServer;
use crate::vocabulary::{change, entry, note, participant, present, raise, record, room};

#[test]
fn what_is_written_is_stored_in_order_and_counted() {
    runtime().block_on(async {
        let registry = Registry::new();
        let config = StoreConfig { durable: DurableConfig::Memory, ..StoreConfig::default() };
        let stores = Stores::open(&config, &registry).unwrap();
        stores.ask(Operation::Create(Box::new(record("agora")))).await.unwrap();
        let mut receipts = Vec::new();
        for n in 1..=100 {
            let append = RoomChange::Append(vec![entry(n, n)]);
            receipts.push(stores.write(change("agora", 1, append)).unwrap());
            let here = vec![HotChange::Here(present(&format!("p{}", n % 7)))];
            receipts.push(stores.write(note("agora", 1, here)).unwrap());
        }
        let late = stores.write(change("agora", 0, RoomChange::Close { at_ms: 1 })).unwrap();

        for receipt in receipts {
            receipt.stored().await.unwrap();
        }
        assert_eq!(late.stored().await.unwrap_err().label(), "fenced");
        let log = Operation::Log { room: room("agora"), after: 0, limit: 200 };
        let Ok(Answer::Log(log)) = stores.ask(log).await else { panic!() };
        assert_eq!(log.len(), 100);
        assert_eq!(whole(&stores, "agora").await.unwrap().present.len(), 7);
        let page = page(&registry);
        for line in [
            "stoa_origin_store_operations_total{operation=\"append\",outcome=\"done\",store=\"embedded\"} 100",
            "stoa_origin_store_journal_dropped_total{kind=\"rooms\",reason=\"fenced\"} 1",
            "stoa_origin_store_journal_length{kind=\"hot\"} 0",
        ] {
            assert!(page.contains(line), "{line} is missing in\n{page}");
        }
        assert!(stores.end(Duration::from_secs(5)).await);
    });
}

#[test]
fn what_must_not_be_repeated_cannot_be_written() {
    runtime().block_on(async {
        let config = StoreConfig { durable: DurableConfig::Memory, ..StoreConfig::default() };
        let stores = Stores::open(&config, &Registry::new()).unwrap();
        let create = Operation::Create(Box::new(record("agora")));
        assert_eq!(stores.write(create).unwrap_err().label(), "conflict");
        assert_eq!(stores.write(Operation::Leases).unwrap_err().label(), "conflict");
    });
}

#[test]
fn changes_made_while_redis_is_stopped_land_after_it_is_back_empty() {
    let mut server = RedisServer::start();
    runtime().block_on(async {
        let (stores, _folder) = with_redis(&server);
        let people = |names: &[&str]| -> Vec<HotChange> {
            names.iter().map(|name| HotChange::Here(present(name))).collect()
        };
        let first = stores.write(note("agora", 1, people(&["a", "b"]))).unwrap();
        first.stored().await.unwrap();
        until(async || copied(&stores).await.is_some_and(|copy| copy.present.len() == 2)).await;
        server.stop();
        let began = Instant::now();
        let mut receipts = vec![stores.write(note("agora", 1, people(&["c", "d"]))).unwrap()];
        let gone = vec![HotChange::Gone(participant("a")), raise("b", 3)];
        receipts.push(stores.write(note("agora", 1, gone)).unwrap());
        assert!(began.elapsed() < Duration::from_millis(100), "a write waited for the outage");
        assert!(stores.ask(Operation::Hot(room("agora"))).await.unwrap_err().is_transient());
        assert!(!stores.is_settled());
        let before = *stores.found().borrow();

        server.resume();

        for receipt in receipts {
            receipt.stored().await.unwrap();
        }
        let restored = whole(&stores, "agora").await.unwrap();
        let names: Vec<&str> = restored.present.iter().map(|p| p.id.as_str()).collect();
        assert_eq!((names, restored.hands.len()), (vec!["b", "c", "d"], 1));
        assert!(*stores.found().borrow() > before, "the owner was not told");
    });
}

#[test]
fn a_wiped_redis_is_filled_again_without_anybody_writing() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let (stores, _folder) = with_redis(&server);
        let here = vec![HotChange::Here(present("a")), raise("a", 1)];
        stores.write(note("agora", 2, here)).unwrap().stored().await.unwrap();
        let expected = whole(&stores, "agora").await;
        until(async || copied(&stores).await == expected).await;

        server.wipe();

        // The first look at Redis finds the loss.
        until(async || whole(&stores, "agora").await == expected).await;
    });
}

#[test]
fn the_end_copies_what_redis_holds_to_the_durable_store() {
    let server = RedisServer::start();
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let config = config(&server, folder.path(), 3_600);
    runtime.block_on(async {
        let stores = Stores::open(&config, &Registry::new()).unwrap();
        let here = vec![HotChange::Here(present("a"))];
        stores.write(note("agora", 1, here)).unwrap().stored().await.unwrap();
        assert!(stores.end(Duration::from_secs(5)).await);

        let same = StoreConfig { hot: HotConfig::Same, ..config.clone() };
        let mut stores = Stores::open(&same, &Registry::new());
        let until = Instant::now() + Duration::from_secs(10);
        while stores.is_err() && Instant::now() < until {
            // The thread of the store before closes its file a moment later.
            tokio::task::yield_now().await;
            stores = Stores::open(&same, &Registry::new());
        }
        let copy = whole(&stores.unwrap(), "agora").await.unwrap();
        assert_eq!(copy.present, [present("a")]);
    });
}

fn config(server: &RedisServer, folder: &std::path::Path, backup_s: u64) -> StoreConfig {
    let redis = RedisConfig {
        kind: RedisKind::Redis,
        url: Secret::new(server.url()),
        prefix: "stoa".to_owned(),
        backup_s,
    };
    let durable = DurableConfig::Embedded { file: folder.join("rooms.redb") };
    StoreConfig { durable, hot: HotConfig::Redis(redis) }
}

fn with_redis(server: &RedisServer) -> (Stores, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(&config(server, folder.path(), 1), &Registry::new()).unwrap();
    (stores, folder)
}

async fn whole(stores: &Stores, name: &str) -> Option<HotRoom> {
    match stores.ask(Operation::Hot(room(name))).await {
        Ok(Answer::Hot(hot)) => hot,
        Err(error) if error.is_transient() => None,
        other => panic!("{other:?}"),
    }
}

/// The copy in the durable store.
async fn copied(stores: &Stores) -> Option<HotRoom> {
    stores.backup_of(&room("agora")).await.unwrap()
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !holds().await {
        assert!(Instant::now() < until, "it never came true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}
