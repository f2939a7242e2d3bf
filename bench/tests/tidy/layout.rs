//! What lies where, how long files are, and what they open with.

use crate::files::{File, Violation};
use crate::lexer;

const LINES_MAX: usize = 400;
const MAIN_LINES_MAX: usize = 24;
const OPENING_LINES_MAX: usize = 5;

/// What the customer agreed to; what tools read begins with a dot.
const TOP_LEVEL: [&str; 10] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "bench",
    "edge-node",
    "geo",
    "origin",
    "terraform",
];
const DOT_ENTRIES: [&str; 8] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".deny.toml",
    ".git",
    ".gitignore",
    ".rustfmt.toml",
];
/// Arrives with an issue of its own.
const MAY_BE_ABSENT: &str = "terraform";

pub(crate) fn top_level(entries: &[String]) -> Vec<Violation> {
    let at = |path: &str, what: &str| Violation { path: path.into(), line: 1, what: what.into() };
    let allowed =
        |name: &str| TOP_LEVEL.contains(&name) || DOT_ENTRIES.contains(&name) || name == "target";
    let foreign = entries.iter().filter(|name| !allowed(name));
    let missing = TOP_LEVEL
        .iter()
        .filter(|name| **name != MAY_BE_ABSENT && !entries.iter().any(|entry| entry == *name));
    foreign
        .map(|name| at(name, "no agreed entry of the top level"))
        .chain(missing.map(|name| at(name, "is missing")))
        .collect()
}

pub(crate) fn length(file: &File) -> Vec<Violation> {
    let lines = file.text.lines().count();
    let too_long = lines > LINES_MAX;
    let what = format!("{lines} lines; at most {LINES_MAX}");
    too_long.then(|| file.violation(lines, what)).into_iter().collect()
}

pub(crate) fn opening(file: &File) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
    // Module files have a table of their modules there, which may be longer.
    let max = if is_module_file(file) { usize::MAX } else { OPENING_LINES_MAX };
    match lines {
        0 => vec![file.violation(1, "does not open with `//!`: what it is")],
        lines if lines > max => {
            vec![file.violation(lines, format!("opens with {lines} lines of `//!`; at most {max}"))]
        }
        _ => Vec::new(),
    }
}

fn is_module_file(file: &File) -> bool {
    matches!(file.name(), "mod.rs" | "lib.rs")
}

pub(crate) fn module_file(file: &File) -> Vec<Violation> {
    // A folder of tests keeps what they share in its mod.rs.
    if !is_module_file(file) || file.is_test() {
        return Vec::new();
    }
    let mut violations = Vec::new();
    let mut at = 0;
    while at < file.code.len() {
        let rest = &file.code[at..];
        let skipped = rest.len() - rest.trim_start().len();
        let item = rest.trim_start();
        let end = if item.starts_with("#[") || item.starts_with("#![") {
            attribute_end(item)
        } else {
            let end = use_end(item);
            if !item.is_empty() && !is_declaration(&item[..end]) {
                let line = file.code[..at + skipped].matches('\n').count() + 1;
                violations.push(file.violation(line, "only docs, `mod` and `pub use` belong here"));
            }
            end
        };
        at += skipped + end;
    }
    violations
}

fn attribute_end(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

/// Uses end at their semicolon, whatever braces they hold.
fn use_end(item: &str) -> usize {
    let is_use = item.contains("use ") && item.find("use ") < item.find(['{', ';']);
    if is_use { item.find(';').map_or(item.len(), |at| at + 1) } else { lexer::item_end(item) }
}

fn is_declaration(item: &str) -> bool {
    let bare = item.strip_prefix("pub").unwrap_or(item).trim_start();
    let bare = bare
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map_or(bare, |(_, rest)| rest.trim_start());
    let module = bare.starts_with("mod ") && item.ends_with(';');
    module || (bare.starts_with("use ") && item.starts_with("pub"))
}

pub(crate) fn main_file(file: &File) -> Vec<Violation> {
    let lines = file.text.lines().count();
    // A test's main.rs lists its tests; the rule is for start-up.
    let applies = file.name() == "main.rs" && !file.is_test();
    let what = format!("{lines} lines; a main.rs loads, builds, runs in at most {MAIN_LINES_MAX}");
    (applies && lines > MAIN_LINES_MAX).then(|| file.violation(lines, what)).into_iter().collect()
}

#[test]
fn foreign_and_missing_entries_are_named() {
    let all = TOP_LEVEL.map(String::from).to_vec();
    assert_eq!(top_level(&all), []);
    let mut entries = all[1..].to_vec();
    entries.push("notes.txt".into());
    let found: Vec<String> = top_level(&entries).iter().map(|v| v.path.clone()).collect();
    assert_eq!(found, ["notes.txt", "ARCHITECTURE.md"]);
}

#[test]
fn long_files_and_silent_files_are_named() {
    let long = File::new("a.rs", &"//! A.\n".repeat(LINES_MAX + 1));
    assert_eq!(length(&long)[0].line, LINES_MAX + 1);
    assert_eq!(opening(&long).len(), 1);
    assert_eq!(opening(&File::new("a.rs", "use b;\n")).len(), 1);
    assert_eq!(opening(&File::new("a.rs", "//! What it is.\nuse b;\n")), []);
}

#[test]
fn module_files_with_code_are_named_with_the_line() {
    let fine = "//! A.\n\nmod a;\n#[cfg(test)]\nmod t;\npub use a::{\n B,\n C,\n};\npub(crate) use d::E;\n";
    assert_eq!(module_file(&File::new("x/mod.rs", fine)), []);
    let foul = "//! A.\nmod a;\npub fn f() {\n g();\n}\nmod c;\nuse a::B;\n";
    let lines: Vec<usize> =
        module_file(&File::new("x/lib.rs", foul)).iter().map(|v| v.line).collect();
    assert_eq!(lines, [3, 7]);
}
