//! The express path between two network namespaces, where this machine lets us make them.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::turn;

#[test]
fn packets_by_the_express_path_arrive_intact_and_all_others_go_the_plain_way() {
    let _turn = turn::take();
    let child = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["express", "--listeners", "200", "--rounds", "3", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let its = format!("stoa-{}-", child.id());
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("not possible here") {
        eprintln!("not run: {complaint}");
        return;
    }
    assert!(output.status.success(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["seen"]["intact"], report["expected"], "{report}");
    assert_eq!(report["delivered_ratio"], 1.0, "{report}");
    let by_express = |step: &Value| step["express"].as_u64().unwrap() > 0;
    let express: Vec<&str> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| by_express(step))
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(express, ["far addresses", "a neighbour", "a gateway known again"], "{report}");
    // Two of five paths are express, and send as much as the others.
    assert!(report["express"].as_u64().unwrap() * 3 > report["measured"].as_u64().unwrap());
    let left: Vec<_> = namespaces().into_iter().filter(|name| name.starts_with(&its)).collect();
    assert_eq!(left, [""; 0], "nothing is left behind");
}

fn namespaces() -> Vec<String> {
    let list = Command::new("ip").args(["netns", "list"]).output().unwrap();
    String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect()
}
