//! Names say what a thing is in the domain. Words that could stand on anything say nothing.

use crate::files::{File, Violation};

/// In names of items and files.
const EMPTY_WORDS: [&str; 9] =
    ["manager", "managers", "handler", "handlers", "util", "utils", "helper", "helpers", "common"];
/// Empty when they are the whole name; in company (`in_process`) they can be precise.
const EMPTY_NOUNS: [&str; 2] = ["data", "process"];

const ITEMS: [&str; 9] =
    ["struct", "enum", "trait", "type", "mod", "fn", "union", "class", "function"];
const FUNCTIONS: [&str; 2] = ["fn", "function"];

/// Longer names are sentences: tests.
const NAME_WORDS_MAX: usize = 5;

pub(crate) fn check(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    for part in file.path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        violations.extend(empty_word(stem).map(|word| {
            file.violation(1, format!("'{word}' in the path says nothing about what it holds"))
        }));
    }
    for (number, line) in file.lines() {
        for (kind, name) in declared(line) {
            if let Some(word) = empty_word(name) {
                violations.push(file.violation(number, format!("'{word}' in `{kind} {name}`")));
            }
            let gets = name.starts_with("get_") && name != "get_mut" && !is_sentence(name);
            if FUNCTIONS.contains(&kind) && gets {
                violations.push(file.violation(number, format!("`{name}`: no get_")));
            }
        }
    }
    violations
}

fn is_sentence(name: &str) -> bool {
    words(name).len() > NAME_WORDS_MAX
}

fn empty_word(name: &str) -> Option<String> {
    let words = words(name);
    let alone = words.len() == 1;
    let empty = |word: &String| {
        EMPTY_WORDS.contains(&word.as_str()) || alone && EMPTY_NOUNS.contains(&word.as_str())
    };
    words.into_iter().find(empty).filter(|_| !is_sentence(name))
}

/// Items declared on a line, as (kind, name).
fn declared(line: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let tokens: Vec<&str> = line.split(|c: char| !is_name(c)).filter(|t| !t.is_empty()).collect();
    tokens
        .windows(2)
        .filter(|pair| ITEMS.contains(&pair[0]))
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

/// `RoomKey`, `room_key` and `room-key` are all `room`, `key`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn empty_words_are_named_and_precise_ones_are_not() {
    let foul = "//! A.\nstruct RoomManager;\nfn get_room() {}\nmod data;\nfn handle_packet() {}\nfn process_id() {}\n";
    let lines: Vec<usize> = check(&File::new("a/b.rs", foul)).iter().map(|v| v.line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert_eq!(check(&File::new("a/string_utils.rs", "")).len(), 1);
    assert_eq!(check(&File::new("a/web/data.js", "")).len(), 1);
    assert_eq!(check(&File::new("a/utilisation.rs", "struct Commons;")), []);
}
