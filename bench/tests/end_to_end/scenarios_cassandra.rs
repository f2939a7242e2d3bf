//! A relay, a link or an origin dies, or an edge leaves, while somebody speaks through three origins and twelve edges all
//! over the world: nobody elsewhere misses a frame. A test program of its own, because several origins share a Cassandra.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::process::Command;

use serde_json::Value;

mod turn;

/// What a command complains of that cannot run on this machine.
const NOT_POSSIBLE: &str = "not possible here";

/// Plays a scenario; nothing where it cannot run.
fn play(scenario: &str) -> Option<Value> {
    let _turn = turn::take();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["demo", "--edges", "12", "--json", "--scenario", scenario])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains(NOT_POSSIBLE) {
        eprintln!("not run: {complaint}");
        return None;
    }
    assert!(output.status.success() && !output.stdout.is_empty(), "{complaint}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// With two feeds nobody but those at `gone` edges misses anything, and all have two feeds again.
fn nobody_misses_anything(scenario: &str, gone: usize) {
    let Some(report) = play(scenario) else { return };
    assert_eq!(report["feeds"], 2, "{report}");
    assert_eq!(report["lost"], 0, "{report}");
    assert!(report["whole_after_ms"].is_number(), "frames stay late: {report}");
    assert!(report["repaired_after_ms"].is_number(), "somebody has one feed left: {report}");
    let edges = report["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 12);
    let survive = edges.iter().filter(|edge| edge["survives"] == true).count();
    assert_eq!(survive, 12 - gone, "{report}");
    for edge in edges.iter().filter(|edge| edge["survives"] == true) {
        assert_eq!(edge["lost"], Value::Array(Vec::new()), "{edge}");
        assert_eq!(edge["duplicates"], 0, "{edge}");
    }
}

#[test]
fn an_edge_that_feeds_others_is_killed() {
    nobody_misses_anything("kill-parent", 1);
}

#[test]
fn a_link_between_parent_and_child_is_cut() {
    nobody_misses_anything("cut-link", 0);
}

#[test]
fn a_child_no_longer_hears_a_parent_who_hears_it() {
    nobody_misses_anything("cut-one-way", 0);
}

#[test]
fn the_rooms_origin_is_killed() {
    nobody_misses_anything("kill-origin", 0);
}

#[test]
fn an_edge_that_feeds_others_leaves() {
    nobody_misses_anything("drain", 1);
}
