//! A run of `bench outage`, and what must be so after each: the same for every store.

use std::process::Command;

use serde_json::Value;

/// What a command complains of that cannot run on this machine.
pub(crate) const NOT_POSSIBLE: &str = "not possible here";

/// An answer waits half a second at most for its store; the rest is what a busy machine takes.
const ANSWER_MS_MAX: f64 = 2_000.0;

/// Goes through troubles one after the other, each for so many seconds at least; says "not run" where the server is not
/// installed. An origin waits 2 s for a store that is frozen.
pub(crate) fn go_through(troubles: &[&str], seconds: u32, also: impl Fn(&Value)) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("outage")
        .args(troubles)
        .args(["--seconds", &seconds.to_string(), "--json"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains(NOT_POSSIBLE) {
        eprintln!("not run: {complaint}");
        return;
    }
    assert!(!output.stdout.is_empty(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outages = report["outages"].as_array().unwrap();
    let gone_through: Vec<&Value> = outages.iter().map(|outage| &outage["trouble"]).collect();
    assert_eq!(gone_through, troubles, "{report}");
    for outage in outages {
        nobody_has_noticed(outage, seconds);
        also(outage);
    }
    assert!(output.status.success(), "{complaint}");
}

fn nobody_has_noticed(outage: &Value, seconds: u32) {
    let number = |key: &str| outage.pointer(key).and_then(Value::as_f64).unwrap();
    assert!(number("/lasted_ms") >= f64::from(seconds) * 1e3, "{outage}");
    for heard in ["before", "during"] {
        assert!(outage[heard]["frames"].as_u64().unwrap() > 50, "{outage}");
        assert_eq!(outage[heard]["frames"], outage[heard]["expected_frames"], "{heard}: {outage}");
    }
    for (deed, ms) in outage["acted"].as_object().unwrap() {
        assert!(ms.as_f64().unwrap() < ANSWER_MS_MAX, "{deed}: {outage}");
    }
    assert!(number("/watched/ready_checks") >= 15.0, "{outage}");
    assert_eq!(number("/watched/unready_checks"), 0.0, "a node is not ready: {outage}");
    assert_eq!(number("/journal_after"), 0.0, "not everything is stored: {outage}");
    assert_eq!(number("/dropped"), 0.0, "writes are lost: {outage}");
    assert_eq!(outage["differences"], serde_json::json!([]), "{outage}");
}
