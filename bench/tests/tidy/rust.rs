//! Rules on Rust code that the compiler's own lints do not know, or not everywhere.

use crate::files::{File, Violation};

/// The only folder in which `unsafe` may stand.
const KERNEL: &str = "edge-node/src/media/kernel/";

pub(crate) fn unsafe_code(file: &File) -> Vec<Violation> {
    if !file.is_rust() || file.path.starts_with(KERNEL) {
        return Vec::new();
    }
    let stands =
        |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe");
    find(file, stands, "unsafe code belongs in edge-node/src/media/kernel alone")
}

pub(crate) fn unfinished(file: &File) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let rules: [(&str, &str); 5] = [
        ("#[ignore", "an ignored test is none"),
        ("todo!", "not done"),
        ("unimplemented!", "not done"),
        ("#[allow(", "use `#[expect(.., reason = \"..\")]`"),
        ("#![allow(", "use `#![expect(.., reason = \"..\")]`"),
    ];
    rules.iter().flat_map(|(text, what)| find(file, |line| line.contains(text), what)).collect()
}

pub(crate) fn globs(file: &File) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let exported = |line: &str| {
        let line = line.trim_start();
        line.starts_with("pub") && line.contains("use ") && line.contains("::*")
    };
    find(file, exported, "re-exports are named, never by glob")
}

fn find(file: &File, stands: impl Fn(&str) -> bool, what: &str) -> Vec<Violation> {
    file.lines().filter(|(_, line)| stands(line)).map(|(n, _)| file.violation(n, what)).collect()
}

#[test]
fn each_rule_sees_its_violation_and_no_other() {
    let foul = "//! A.\npub use a::*;\nunsafe { b() }\n// unsafe\n#[ignore]\nfn t() { todo!() }\nlet unsafe_code = 1;\n";
    let file = File::new("geo/src/a.rs", foul);
    let lines = |violations: Vec<Violation>| violations.iter().map(|v| v.line).collect::<Vec<_>>();
    assert_eq!(lines(globs(&file)), [2]);
    assert_eq!(lines(unsafe_code(&file)), [3]);
    assert_eq!(lines(unfinished(&file)), [5, 6]);
    assert_eq!(unsafe_code(&File::new(&format!("{KERNEL}send.rs"), "unsafe { b() }")), []);
}
