//! The load generator, as people start it.

use std::process::Command;

use serde_json::Value;

use crate::speech::run;
use crate::turn;

#[test]
fn a_small_audience_hears_every_frame() {
    let _turn = turn::take();
    let file = turn::folder().join("listen.json");
    run(Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["listen", "--listeners", "40", "--seconds", "5", "--quiet", "--json"])
        .arg(&file));
    let report: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(report["listeners"], 40, "{report}");
    assert_eq!(report["expected_frames"], 40 * 5 * 50, "{report}");
    assert_eq!(report["delivered_ratio"], 1.0, "{report}");
    assert_eq!(report["refused_datagrams"], 0, "every packet opens: {report}");
    let keys = [
        "/expected_packets",
        "/delivered_packets",
        "/edge_cpu_ns_per_packet",
        "/edge_packets_per_cpu_second",
        "/edge_cores",
        "/edge_rss_bytes_per_listener",
        "/latency_ms/p50",
        "/latency_ms/p99",
        "/latency_ms/max",
        "/join_ms/p50",
        "/join_ms/p95",
        "/joins_per_second",
        "/machine/cores",
    ];
    for key in keys {
        let value = report.pointer(key).and_then(Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "{key}: {report}");
    }
}
