//! The demo network, as people start it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::turn;

/// How long a dead parent may go unnoticed; the next one is a round trip away.
const DETECTION_MS: f64 = 150.0;

/// What fifteen processes on two cores may take besides.
const BUSY_MS: f64 = 100.0;

/// A running demo; dropping it ends it.
pub(crate) struct Demo {
    process: Child,
    output: BufReader<ChildStdout>,
    ready: Value,
}

impl Demo {
    /// Starts the demo for at most that many seconds.
    pub(crate) fn start(seconds: usize) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(["demo", "--json", "--seconds", &seconds.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no links: {line:?}"));
        Self { process, output, ready }
    }

    /// What a script needs to come in at an edge: its origin, the path of WHIP or WHEP, a token.
    pub(crate) fn way_in(&self, edge: &str, role: &str, endpoint: &str) -> Value {
        let edges = self.ready["edges"].as_array().unwrap();
        let edge = edges.iter().find(|found| found["edge"] == edge).unwrap();
        let (_, token) = edge[role].as_str().unwrap().split_once("#token=").unwrap();
        let path = format!("/v1/rooms/{}/{endpoint}", self.ready["room"].as_str().unwrap());
        json!({ "origin": edge["http"], "path": path, "token": token })
    }

    /// Process ids of all nodes.
    fn nodes(&self) -> Vec<u64> {
        let edges = self.ready["edges"].as_array().unwrap().iter();
        let origins = self.ready["origins"].as_array().unwrap();
        edges.chain(origins).map(|node| node["pid"].as_u64().unwrap()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Both fail only where the process is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_demo_shows_links_that_take_as_long_as_the_world_and_ends_by_itself() {
    let _turn = turn::take();
    let mut demo = Demo::start(6);
    assert_eq!(demo.nodes().len(), 4);
    let mut lines = String::new();
    demo.output.read_to_string(&mut lines).unwrap();
    assert!(demo.process.wait().unwrap().success());
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let rows = last["edges"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let asked = row["asked_rtt_ms"].as_f64().unwrap();
        let measured = row["link_rtt_ms"].as_f64().unwrap();
        assert!(measured >= asked - 1.0, "faster than the path: {row}");
        assert!(measured < asked + 25.0, "much slower than the path: {row}");
    }
    assert_eq!(demo.nodes().into_iter().filter(|pid| lives(*pid)).collect::<Vec<_>>(), [0; 0]);
}

#[test]
fn no_node_outlives_a_demo_that_is_killed() {
    let _turn = turn::take();
    let mut demo = Demo::start(60);
    let nodes = demo.nodes();
    assert!(nodes.iter().all(|pid| lives(*pid)));
    demo.process.kill().unwrap();
    demo.process.wait().unwrap();
    let began = std::time::Instant::now();
    while nodes.iter().any(|pid| lives(*pid)) {
        assert!(began.elapsed().as_secs() < 15, "nodes still live: {nodes:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn with_one_feed_what_was_on_its_way_through_a_dead_relay_is_filled_in_by_its_backup() {
    let _turn = turn::take();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["demo", "--edges", "12", "--origins", "fra", "--seconds", "6"])
        .args(["--scenario", "kill-parent", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["feeds"], &report["lost"]), (&json!(1), &json!(0)), "{report}");
    let edges = report["edges"].as_array().unwrap();
    let orphans: Vec<_> =
        edges.iter().filter(|edge| edge["new_parent_rtt_ms"].is_number()).collect();
    assert!(!orphans.is_empty(), "nobody hung from it: {report}");
    for edge in orphans {
        let gap_max = DETECTION_MS + edge["new_parent_rtt_ms"].as_f64().unwrap() + BUSY_MS;
        assert!(edge["gap_ms"].as_f64().unwrap() < gap_max, "{edge}");
    }
}

/// Whether a process runs and is one of ours; a dead one that nobody has waited for does not count.
fn lives(pid: u64) -> bool {
    let command = std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline"));
    command.is_ok_and(|line| line.windows(5).any(|part| part == b"node-"))
}
