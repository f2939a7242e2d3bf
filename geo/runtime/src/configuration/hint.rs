//! What to do about a mistake in a configuration file, in one sentence.

/// Characters of a key that are compared; longer keys are no typing mistakes.
const KEY_CHARACTERS_MAX: usize = 64;

/// A sentence for the operator that fits what the parser said.
pub(super) fn for_message(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let Some(written) = quoted.next() else { return general() };
        let known: Vec<&str> = quoted.collect();
        return match closest(written, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("remove `{written}`: nothing is expected here"),
            None => format!("remove `{written}` or use one of: {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        let key = quoted.next().unwrap_or("the key");
        return format!("add `{key} = ..` to this table");
    }
    let wrong_value = message.starts_with("invalid type") || message.starts_with("invalid value");
    if let (true, Some((_, expected))) = (wrong_value, message.rsplit_once("expected ")) {
        return format!("replace the value by {}", kind(expected.trim()));
    }
    if message.starts_with("duplicate key") {
        return "keep one of the two lines and remove the other".to_owned();
    }
    general()
}

fn general() -> String {
    "correct this value; text stands in double quotes, a table starts with [name]".to_owned()
}

/// Names the kinds that serde calls by their Rust type in words.
fn kind(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text in double quotes".to_owned(),
        "a sequence" => "a list: [.., ..]".to_owned(),
        "a map" => "a table: { key = value }".to_owned(),
        other => other.to_owned(),
    }
}

/// The known key that `written` was probably meant to be.
fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written: Vec<char> = written.chars().collect();
    if written.len() > KEY_CHARACTERS_MAX {
        return None;
    }
    let far = (written.len() / 3).max(1);
    known
        .iter()
        .map(|key| (distance(&written, key), *key))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, key)| key)
}

/// Levenshtein's distance: insertions, deletions and replacements between two words.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, letter) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in a.iter().enumerate() {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[a.len()]
}
