//! The owner of a room with 50 people dies, alone or with its standby, freezes, leaves or is restarted: real origins, edges and media on a real Cassandra. A test
//! program of its own, because it runs only where `bench/cassandra/start.sh fetch` succeeds, which `.ci/run` asks first.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::process::Command;

use serde_json::Value;

mod turn;

/// What a command complains of that cannot run on this machine.
const NOT_POSSIBLE: &str = "not possible here";

/// The promise is that people can act again within three seconds.
const AGAIN_MS_MAX: f64 = 3_000.0;

/// Where owner and standby are gone their leases must run out first.
const BOTH_AGAIN_MS_MAX: f64 = 8_000.0;

#[test]
fn another_origin_takes_a_room_over_and_nobody_loses_anything() {
    let _turn = turn::take();
    let fates = ["killed", "frozen", "leaves", "restarted", "both", "killed-without-store"];
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("takeover")
        .args(fates)
        .args(["--rounds", "1", "--quiet", "--json"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains(NOT_POSSIBLE) {
        eprintln!("not run: {complaint}");
        return;
    }
    assert!(output.status.success() && !output.stdout.is_empty(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let takeovers = report["takeovers"].as_array().unwrap();
    let gone_through: Vec<&Value> = takeovers.iter().map(|takeover| &takeover["fate"]).collect();
    assert_eq!(gone_through, fates, "{report}");
    for takeover in takeovers {
        let number = |key: &str| takeover.pointer(key).and_then(Value::as_f64).unwrap();
        assert_eq!(number("/people"), 50.0, "{takeover}");
        assert_eq!(number("/disconnected"), 0.0, "{takeover}");
        assert!(number("/acknowledged") >= 24.0, "{takeover}");
        assert_eq!(number("/lists_wrong"), 0.0, "{takeover}");
        assert_eq!(number("/moved_needlessly"), 0.0, "{takeover}");
        assert_eq!(number("/lost"), 0.0, "{takeover}");
        assert_eq!(number("/taken"), 1.0, "{takeover}");
        let max = if takeover["fate"] == "both" { BOTH_AGAIN_MS_MAX } else { AGAIN_MS_MAX };
        assert!(number("/commands_again_ms/p99") < max, "{takeover}");
        if takeover["fate"] == "frozen" {
            assert_eq!(number("/given_up"), 1.0, "it keeps what is another's: {takeover}");
            assert!(number("/fenced") > 0.0, "it wrote nothing late: {takeover}");
        }
        if takeover["fate"] == "leaves" {
            assert_eq!(number("/refused"), 0.0, "somebody has noticed: {takeover}");
        }
    }
}
