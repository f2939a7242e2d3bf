//! The contract for a real Cassandra, and what becomes of it when the server is slow, frozen or away. One test,
//! because a server takes as long to start as all of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod blocks;
mod cassandra_server;
mod hot;
mod leases;
mod model;
mod property;
mod revocations;
mod rooms;
mod slow_path;
mod vocabulary;

use std::time::{Duration, Instant};

use stoa_origin::store::{
    Answer, CALL_LIMIT, Cassandra, Operation, RoomChange, Settings, Store, StoreError, migrate,
};

use cassandra_server::{CassandraServer, config};
use vocabulary::{change, done, entry, record, refused, room, stored};

#[test]
fn cassandra_keeps_every_promise_and_outlives_its_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut server = runtime.block_on(CassandraServer::start());
    let store = Cassandra::new(&server.config());
    runtime.block_on(async {
        step("rooms");
        rooms::all(&store, "r-").await;
        step("hot state");
        hot::all(&store, "h-").await;
        step("leases");
        leases::all(&store, "l-").await;
        step("revocations");
        revocations::all(&store, "v-").await;
        step("blocks");
        blocks::all(&store, "b-").await;
        step("migrations");
        two_migrations_at_once_make_the_same_tables(&server).await;
        step("contention");
        many_writers_of_one_room_all_get_through(&store).await;
    });
    step("random histories");
    property::agrees_with_the_model(&runtime, &store, 12, property::rooms);
    property::agrees_with_the_model(&runtime, &store, 12, property::hot);
    runtime.block_on(async {
        step("a slow path");
        a_path_that_takes_200_ms_is_slow_and_nothing_else(&server).await;
        step("a freeze that ends");
        a_change_that_times_out_is_read_back_and_happens_once(&server, &store).await;
        step("a freeze");
        calls_end_in_time_while_the_server_is_frozen(&server, &store).await;
        step("a stop");
        calls_fail_while_the_server_is_stopped_and_nothing_is_lost(&mut server, &store).await;
    });
}

fn step(what: &str) {
    println!("cassandra: {what}");
}

async fn two_migrations_at_once_make_the_same_tables(server: &CassandraServer) {
    let other = config(server.address(), "twice");
    let (one, two) = tokio::join!(migrate(&other), migrate(&other));
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    assert_eq!(migrate(&other).await, Ok(0));
    done(&Cassandra::new(&other), Operation::Create(Box::new(record("agora")))).await;
}

async fn many_writers_of_one_room_all_get_through(store: &Cassandra) {
    done(store, Operation::Create(Box::new(record("busy")))).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let store = store.clone();
        writers.spawn(async move {
            let identity = format!("w{writer}");
            let appoint =
                RoomChange::Appoint { identity, role: Some(stoa_protocol::ids::Role::Host) };
            loop {
                match store.apply(change("busy", 1, appoint.clone())).await {
                    Ok(_) => return,
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
            }
        });
    }
    writers.join_all().await;
    let all = Operation::Appointments { room: room("busy"), after: String::new(), limit: 9 };
    let Ok(Answer::Appointments(appointments)) = store.apply(all).await else { panic!() };
    assert_eq!(appointments.len(), 4);
}

async fn a_path_that_takes_200_ms_is_slow_and_nothing_else(server: &CassandraServer) {
    let slow = slow_path::slow_path(server.address(), Duration::from_millis(100)).await;
    let store = Cassandra::new(&config(slow, "stoa"));
    let until = Instant::now() + Duration::from_secs(20);
    // The driver asks many questions before it is ready, and connecting has a limit too.
    while let Err(error) = store.apply(Operation::Leases).await {
        assert!(error.is_transient() && Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    let _ = stored(&store, "r-once").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    done(&store, change("r-once", 1, RoomChange::Append(vec![entry(1, 1)]))).await;
}

async fn a_change_that_times_out_is_read_back_and_happens_once(
    server: &CassandraServer,
    store: &Cassandra,
) {
    done(store, Operation::Create(Box::new(record("frozen")))).await;
    for round in 0..3 {
        let before = stored(store, "frozen").await.unwrap().revision;
        server.freeze();
        let topic = format!("round {round}");
        let settings =
            RoomChange::Settings(Settings { topic: topic.clone(), ..Settings::default() });
        let changing = store.apply(change("frozen", 1, settings));
        let thawing = async {
            tokio::time::sleep(CALL_LIMIT + Duration::from_millis(300 * round)).await;
            server.thaw();
        };
        let (outcome, ()) = tokio::join!(changing, thawing);

        let after = stored_after_all(store, "frozen").await;
        let happened = after.revision - before;
        match outcome {
            Ok(_) => assert_eq!((happened, after.settings.topic), (1, topic)),
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                assert!(happened <= 1, "{happened} changes from one");
            }
        }
    }
}

async fn calls_end_in_time_while_the_server_is_frozen(server: &CassandraServer, store: &Cassandra) {
    server.freeze();
    let began = Instant::now();
    let close = change("frozen", 1, RoomChange::Close { at_ms: 5 });
    let calls = [close, Operation::Leases, Operation::Room(room("frozen"))];
    for call in calls {
        let error = refused(store, call).await;
        assert!(error.is_transient(), "{error}");
    }
    assert!(began.elapsed() < CALL_LIMIT * 7, "{:?}", began.elapsed());
    server.thaw();
    stored_after_all(store, "frozen").await;
}

async fn calls_fail_while_the_server_is_stopped_and_nothing_is_lost(
    server: &mut CassandraServer,
    store: &Cassandra,
) {
    done(store, change("frozen", 1, RoomChange::Append(vec![entry(7, 7)]))).await;
    let before = stored_after_all(store, "frozen").await;
    server.stop();
    let began = Instant::now();
    for _ in 0..20 {
        assert!(refused(store, Operation::Room(room("frozen"))).await.is_transient());
    }
    assert!(began.elapsed() < CALL_LIMIT * 2, "{:?}", began.elapsed());

    server.resume().await;

    assert_eq!(stored_after_all(store, "frozen").await, before);
    done(store, change("frozen", 1, RoomChange::Append(vec![entry(8, 8)]))).await;
}

/// Asks until the driver has found the server again.
async fn stored_after_all(store: &Cassandra, name: &str) -> stoa_origin::store::RoomRecord {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match store.apply(Operation::Room(room(name))).await {
            Ok(Answer::Room(Some(record))) => return *record,
            Err(error @ (StoreError::Unavailable { .. } | StoreError::Timeout)) => {
                assert!(Instant::now() < until, "{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other:?}"),
        }
    }
}
