//! What rooms cost their owner, as people measure it.

use std::process::Command;

use serde_json::Value;

use crate::load::assert_positive;
use crate::outage::NOT_POSSIBLE;
use crate::turn;

#[test]
fn people_who_join_and_act_in_many_rooms_cost_their_owner_few_operations_of_a_file() {
    let _turn = turn::take();
    let report = measure("embedded").unwrap();
    assert_eq!(report["store"], "embedded");
}

#[test]
fn people_who_join_and_act_in_many_rooms_cost_their_owner_few_operations_of_redis() {
    let _turn = turn::take();
    match measure("redis") {
        Ok(report) => assert_eq!(report["store"], "redis"),
        Err(why) => eprintln!("not run: {why}"),
    }
}

/// A small run on a store; or why it cannot be tried here.
fn measure(store: &str) -> Result<Value, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["rooms", "--store", store, "--rooms", "12", "--participants", "20"])
        .args(["--operations", "240", "--hands", "24", "--quiet", "--json"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains(NOT_POSSIBLE) {
        return Err(complaint.into_owned());
    }
    assert!(output.status.success(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (key, expected) in [
        ("rooms", 12),
        ("biggest_room", 20),
        ("joins", 12 + 12 + 18),
        ("failed_joins", 0),
        ("operations", 240),
        ("failed_operations", 0),
        ("hands", 24),
    ] {
        assert_eq!(report[key], expected, "{key}: {report}");
    }
    let store_operations = report["store_operations_per_join"].as_f64().unwrap();
    assert!(store_operations > 0.0, "nobody is written down: {report}");
    assert!(store_operations <= 2.0, "a join takes too many operations of the store: {report}");
    let keys = [
        "/rooms_per_second",
        "/joins_per_second",
        "/join_ms/p50",
        "/join_ms/p99",
        "/operations_per_second",
        "/operation_ms/p50",
        "/operation_ms/p99",
        "/store_operations_per_operation",
        "/hand_to_moderator_ms/p50",
        "/hand_to_moderator_ms/p99",
        "/hand_to_moderator_ms/max",
        "/origin_rss_bytes",
        "/edge_rss_bytes",
        "/machine/cores",
    ];
    assert_positive(&report, &keys);
    Ok(report)
}
