//! The contract for a real Redis, and what becomes of it when the server is away, frozen, slow or wiped.

use std::time::{Duration, Instant};

use stoa_origin::store::{
    CALL_LIMIT, Embedded, HotChange, HotRoom, Operation, Redis, RedisConfig, RedisKind, Store,
    StoreError,
};
use stoa_runtime::configuration::Secret;

use crate::embedded::runtime;
use crate::held_path::HeldPath;
use crate::redis_server::RedisServer;
use crate::slow_path::slow_path;
use crate::vocabulary::{done, hot, note, present, raise, refused};
use crate::{hot as promises, property};

#[test]
fn redis_keeps_every_promise_of_hot_state() {
    let server = RedisServer::start();
    let runtime = runtime();
    runtime.block_on(async {
        let store = ready(&server.url()).await;
        promises::all(&store, "h-").await;
        let record = crate::vocabulary::record("r");
        let foreign = refused(&store, Operation::Create(Box::new(record))).await;
        assert_eq!(foreign, StoreError::Unsupported { kind: "rooms" });
    });
}

#[test]
fn random_histories_on_redis_agree_with_the_model() {
    let server = RedisServer::start();
    let runtime = runtime();
    let store = runtime.block_on(ready(&server.url()));
    property::agrees_with_the_model(&runtime, &store, 100, property::hot);
}

#[test]
fn calls_fail_fast_while_redis_is_stopped_and_succeed_after_it_is_back() {
    let mut server = RedisServer::start();
    runtime().block_on(async {
        let (store, durable) = (ready(&server.url()).await, Embedded::in_memory().unwrap());
        server.stop();
        let began = Instant::now();
        for _ in 0..50 {
            assert!(refused(&store, here(1)).await.is_transient());
        }
        assert!(began.elapsed() < CALL_LIMIT, "{:?}", began.elapsed());

        server.resume();

        until_restored(&store, &durable).await;
        done(&store, here(1)).await;
    });
}

#[test]
fn calls_end_in_time_while_redis_is_frozen_and_succeed_after_it_thaws() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let (store, durable) = (ready(&server.url()).await, Embedded::in_memory().unwrap());
        done(&store, here(1)).await;
        server.freeze();
        let began = Instant::now();
        assert_eq!(refused(&store, here(1)).await, StoreError::Timeout);
        let frozen = began.elapsed();
        assert!(frozen < CALL_LIMIT * 3 / 2, "{frozen:?}");
        // Others are not kept waiting one behind the other.
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = store.clone();
            waiting.spawn(async move { refused(&store, here(1)).await.is_transient() });
        }
        assert!(waiting.join_all().await.into_iter().all(|transient| transient));
        assert!(began.elapsed() < CALL_LIMIT * 3, "{:?}", began.elapsed());

        server.thaw();

        until_restored(&store, &durable).await;
        done(&store, here(1)).await;
    });
}

#[test]
fn a_write_that_arrives_after_its_writer_has_given_it_up_changes_nothing() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let mut path = HeldPath::to(server.address()).await;
        let store = ready(&format!("redis://{}", path.address)).await;
        done(&store, note("agora", 1, vec![])).await;
        path.hold();
        assert_eq!(refused(&store, here(1)).await, StoreError::Timeout);
        // What the writer knows now, on its next connection.
        let gone = vec![HotChange::Gone(crate::vocabulary::participant("a"))];
        let until = Instant::now() + Duration::from_secs(10);
        while let Err(error) = store.apply(note("agora", 1, gone.clone())).await {
            assert!(error.is_transient() && Instant::now() < until, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        path.let_go().await;

        // The server answers in the order in which it reads: so another connection asks after it.
        let other = ready(&server.url()).await;
        for _ in 0..20 {
            let empty = HotRoom { epoch: 1, ..HotRoom::default() };
            assert_eq!(hot(&other, "agora").await, Some(empty));
        }
    });
}

#[test]
fn a_path_that_takes_200_ms_is_slow_and_nothing_else() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let slow = slow_path(server.address(), Duration::from_millis(100)).await;
        let store = ready(&format!("redis://{slow}")).await;
        let began = Instant::now();
        // The first call may have to load the script first.
        done(&store, here(1)).await;
        assert!(began.elapsed() >= Duration::from_millis(200));
        let began = Instant::now();
        let writes = (0..20u64).map(|n| store.apply(here(n + 1)));
        for outcome in join_all(writes).await {
            // They overtake each other's epochs on no path: one connection keeps their order.
            assert!(outcome.is_ok(), "{outcome:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    });
}

#[test]
fn a_wiped_redis_is_noticed_at_the_next_call_and_restored_from_the_durable_store() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let durable = Embedded::in_memory().unwrap();
        let backup =
            vec![HotChange::Here(present("a")), HotChange::Here(present("b")), raise("b", 4)];
        for room in 0..300 {
            done(&durable, note(&format!("room-{room:03}"), 3, backup.clone())).await;
        }
        let store = ready(&server.url()).await;
        for room in 0..300 {
            done(&store, note(&format!("room-{room:03}"), 3, backup.clone())).await;
        }
        let whole = hot(&store, "room-007").await;
        server.wipe();

        let read = store.apply(Operation::Hot(crate::vocabulary::room("room-007"))).await;
        assert!(read.unwrap_err().is_transient(), "a lost room was taken for an empty one");
        let write = refused(&store, note("room-007", 3, vec![HotChange::Here(present("c"))])).await;
        assert!(write.is_transient(), "a write went into a store without its past");
        store.lost().await;
        assert_eq!(store.adopt_or_restore(&durable).await, Ok(Some(300)));

        assert_eq!(hot(&store, "room-007").await, whole);
        let HotRoom { epoch, present, hands } = hot(&store, "room-299").await.unwrap();
        assert_eq!((epoch, present.len(), hands.len()), (3, 2, 1));
        let late = refused(&store, note("room-007", 2, vec![])).await;
        assert_eq!(late, StoreError::Fenced { stored: 3 });
    });
}

#[test]
fn of_many_processes_one_restores_and_the_others_wait_for_it() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let durable = Embedded::in_memory().unwrap();
        for room in 0..100 {
            let here = vec![HotChange::Here(present("a"))];
            done(&durable, note(&format!("room-{room}"), 1, here)).await;
        }
        let stores: Vec<Redis> = (0..5).map(|_| connect(&server.url())).collect();

        let outcomes = join_all(stores.iter().map(|store| store.adopt_or_restore(&durable))).await;

        let restored: Vec<u32> =
            outcomes.into_iter().filter_map(|outcome| outcome.unwrap()).collect();
        assert_eq!(restored, [100]);
        for store in &stores {
            assert!(hot(store, "room-42").await.is_some());
        }
    });
}

fn here(epoch: u64) -> Operation {
    note("agora", epoch, vec![HotChange::Here(present("a"))])
}

fn connect(url: &str) -> Redis {
    let config = RedisConfig {
        kind: RedisKind::Redis,
        url: Secret::new(url),
        prefix: "test".to_owned(),
        backup_s: 1,
    };
    Redis::new(&config).unwrap()
}

/// Connected to an empty server that has nothing to be restored.
async fn ready(url: &str) -> Redis {
    let store = connect(url);
    store.adopt_or_restore(&Embedded::in_memory().unwrap()).await.unwrap();
    store
}

async fn until_restored(store: &Redis, durable: &dyn Store) {
    let until = Instant::now() + Duration::from_secs(10);
    while let Err(error) = store.adopt_or_restore(durable).await {
        assert!(error.is_transient() && Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(outputs.iter_mut().filter_map(Option::take).collect())
    })
    .await
}
