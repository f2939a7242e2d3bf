//! The contract for the embedded store, and what only a file can do.

use std::time::{Duration, Instant};

use stoa_origin::store::{Embedded, Grouping, Operation, RoomChange};
use tokio::runtime::Runtime;

use crate::vocabulary::{change, done, entry, record, stored};
use crate::{blocks, hot, leases, property, revocations, rooms};

#[test]
fn the_embedded_store_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Grouping::Waiting);
    runtime().block_on(async {
        rooms::all(&store, "r-").await;
        hot::all(&store, "h-").await;
        leases::all(&store, "l-").await;
        revocations::all(&store, "v-").await;
        blocks::all(&store, "b-").await;
    });
}

#[test]
fn random_histories_of_rooms_agree_with_the_model() {
    let store = Embedded::in_memory().unwrap();
    property::agrees_with_the_model(&runtime(), &store, 200, property::rooms);
}

#[test]
fn random_histories_of_hot_state_agree_with_the_model() {
    let store = Embedded::in_memory().unwrap();
    property::agrees_with_the_model(&runtime(), &store, 200, property::hot);
}

#[test]
fn a_second_opener_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder, Grouping::Waiting);

    let refused = Embedded::open(&folder.path().join("rooms.redb"), Grouping::Waiting).unwrap_err();

    let message = refused.to_string();
    assert!(message.contains("another process has the file open"), "{message}");
    assert!(message.contains("rooms.redb"), "{message}");
    drop(first);
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.redb");
    std::fs::write(&path, "not a store").unwrap();

    let refused = Embedded::open(&path, Grouping::Waiting).unwrap_err();

    assert!(!refused.to_string().is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a store");
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let store = open(&folder, Grouping::Waiting);
    runtime.block_on(done(&store, Operation::Create(Box::new(record("agora")))));
    drop(store);

    let store = reopened(&folder);

    assert!(runtime.block_on(stored(&store, "agora")).is_some());
}

#[test]
fn writes_that_wait_together_share_a_commit_and_are_faster() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let runtime = runtime();
    let single = rate(&runtime, &open(&folders[0], Grouping::Single));
    let grouped = rate(&runtime, &open(&folders[1], Grouping::Waiting));

    println!(
        "writes per second: {single:.0} alone, {grouped:.0} grouped, ratio {:.1}",
        grouped / single
    );
    assert!(grouped > 2.0 * single, "{grouped:.0} grouped, {single:.0} alone");
}

/// Writes per second, with 64 writers that each wait for their own.
fn rate(runtime: &Runtime, store: &Embedded) -> f64 {
    const WRITERS: u64 = 64;
    const WRITES: u64 = 40;
    runtime.block_on(async {
        for writer in 0..WRITERS {
            done(store, Operation::Create(Box::new(record(&format!("w{writer}"))))).await;
        }
        let began = Instant::now();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                for n in 1..=WRITES {
                    let append = RoomChange::Append(vec![entry(n, n)]);
                    done(&store, change(&format!("w{writer}"), 1, append)).await;
                }
            });
        }
        writers.join_all().await;
        f64::from(u32::try_from(WRITERS * WRITES).unwrap()) / began.elapsed().as_secs_f64()
    })
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(folder: &tempfile::TempDir, grouping: Grouping) -> Embedded {
    Embedded::open(&folder.path().join("rooms.redb"), grouping).unwrap()
}

/// The thread of the store before closes its file a moment after its last handle is gone.
fn reopened(folder: &tempfile::TempDir) -> Embedded {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match Embedded::open(&folder.path().join("rooms.redb"), Grouping::Waiting) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        std::thread::yield_now();
    }
}
