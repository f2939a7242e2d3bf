//! SIGKILL in the middle of writes. It proves what the process owes; a loss of power it cannot show.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stoa_origin::store::Store;
use stoa_origin::store::{
    Answer, Embedded, Grouping, HotChange, Operation, RoomChange, StoreError,
};

use crate::embedded::runtime;
use crate::vocabulary::{change, entry, hot, note, present, record, room, stored};

/// Set in the child: the file that it writes to.
const FILE: &str = "STOA_CRASH_TEST_FILE";
const NAME: &str = "crash::no_acknowledged_change_is_lost_when_the_writer_is_killed";
const ROUNDS: usize = 60;
const WRITERS: usize = 12;

#[test]
fn no_acknowledged_change_is_lost_when_the_writer_is_killed() {
    // The test starts itself again as the process that dies.
    if let Some(path) = std::env::var_os(FILE) {
        runtime().block_on(write_until_killed(Path::new(&path)));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.redb");
    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    let mut total = 0;
    for round in 0..ROUNDS {
        let found = kill_a_writer(&path, 30 + round * 23 % 160);
        total += found.len();
        for (writer, sequence) in found {
            let newest = acknowledged.entry(writer).or_default();
            *newest = sequence.max(*newest);
        }
        verify(&path, &acknowledged);
    }
    assert!(total >= ROUNDS * 30, "only {total} changes were acknowledged");
}

/// Starts a writer, kills it after so many acknowledgements, and returns all that it printed.
fn kill_a_writer(path: &Path, acknowledgements: usize) -> Vec<(String, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut found = Vec::new();
    for line in lines {
        let line = line.unwrap();
        let mut words = line.split(' ');
        if let (Some("ack"), Some(writer), Some(sequence), Some("."), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        {
            found.push((writer.to_owned(), sequence.parse().unwrap()));
        }
        if found.len() == acknowledgements {
            // SIGKILL; what it had printed by then is still read.
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the writer ended by itself");
    assert!(found.len() >= acknowledgements, "{} of {acknowledgements}", found.len());
    found
}

/// Every room holds at least what was acknowledged, without a hole, in log and hot state alike.
fn verify(path: &Path, acknowledged: &BTreeMap<String, u64>) {
    let store = open(path);
    runtime().block_on(async {
        for (writer, newest) in acknowledged {
            let end = stored(&store, writer).await.unwrap().log_end;
            assert!(end >= *newest, "{writer}: {newest} was acknowledged, {end} is stored");
            let after = end.saturating_sub(50);
            let log = Operation::Log { room: room(writer), after, limit: 50 };
            let expected = (after + 1..=end).map(|sequence| entry(sequence, sequence)).collect();
            assert_eq!(store.apply(log).await, Ok(Answer::Log(expected)));
            let hot = hot(&store, writer).await.unwrap();
            let seen = hot.present[0].name.parse::<u64>().unwrap();
            assert!(seen >= *newest, "{writer}: {newest} acknowledged, {seen} in hot state");
        }
    });
    drop(store);
}

/// A thread of a store before closes the file a moment after the last handle is gone.
fn open(path: &Path) -> Embedded {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match Embedded::open(path, Grouping::Waiting) {
            Ok(store) => return store,
            Err(StoreError::Unavailable { reason }) => {
                assert!(Instant::now() < until, "{reason}");
                std::thread::yield_now();
            }
            Err(other) => panic!("{other}"),
        }
    }
}

async fn write_until_killed(path: &Path) {
    let store = open(path);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(store.clone(), format!("w{writer}")));
    }
    writers.join_all().await;
}

async fn write(store: Embedded, name: String) {
    // It exists from the second round on.
    let _ = store.apply(Operation::Create(Box::new(record(&name)))).await;
    let begin = stored(&store, &name).await.unwrap().log_end + 1;
    for sequence in begin.. {
        let append = RoomChange::Append(vec![entry(sequence, sequence)]);
        let mut me = present("me");
        me.name = sequence.to_string();
        let (log, here) = tokio::join!(
            store.apply(change(&name, 1, append)),
            store.apply(note(&name, 1, vec![HotChange::Here(me)])),
        );
        assert_eq!((log, here), (Ok(Answer::Done), Ok(Answer::Done)));
        // One call, so that a kill never leaves half a line that looks like a whole one.
        let line = format!("ack {name} {sequence} .\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
    }
}
