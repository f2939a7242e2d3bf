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
fn all_is_well_again(scenario: &str, gone: usize) {
    let Some(report) = nobody_misses_anything(scenario, gone) else { return };
    assert!(report["repaired_after_ms"].is_number(), "somebody has one feed left: {report}");
}

/// With two feeds nobody but those at `gone` edges misses anything; tells the rest.
fn nobody_misses_anything(scenario: &str, gone: usize) -> Option<Value> {
    let report = play(scenario)?;
    assert_eq!(report["feeds"], 2, "{report}");
    assert_eq!(report["lost"], 0, "{report}");
    assert!(report["whole_after_ms"].is_number(), "frames stay late: {report}");
    let edges = report["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 12);
    let survive = edges.iter().filter(|edge| edge["survives"] == true).count();
    assert_eq!(survive, 12 - gone, "{report}");
    for edge in edges.iter().filter(|edge| edge["survives"] == true) {
        assert_eq!(edge["lost"], Value::Array(Vec::new()), "{edge}");
        assert_eq!(edge["duplicates"], 0, "{edge}");
    }
    Some(report)
}

#[test]
fn an_edge_that_feeds_others_is_killed() {
    all_is_well_again("kill-parent", 1);
}

#[test]
fn a_link_between_parent_and_child_is_cut() {
    all_is_well_again("cut-link", 0);
}

#[test]
fn the_link_between_the_speakers_edge_and_the_rooms_origin_is_cut() {
    // The owner cannot name it another parent while it does not hear it.
    nobody_misses_anything("cut-uplink", 0);
}

#[test]
fn a_child_no_longer_hears_a_parent_who_hears_it() {
    all_is_well_again("cut-one-way", 0);
}

#[test]
fn the_rooms_origin_is_killed() {
    all_is_well_again("kill-origin", 0);
}

#[test]
fn an_edge_that_feeds_others_leaves() {
    all_is_well_again("drain", 1);
}
