//! Just enough of a lexer to tell code from comments and strings, in Rust and JavaScript.

/// The same lines with comments and the insides of strings turned into blanks.
/// `quotes` are the characters that begin and end strings.
pub(crate) fn blank(text: &str, quotes: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = token_end(&chars, at, quotes);
        if end == at + 1 {
            out.push(chars[at]);
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        }
        at = end;
    }
    out
}

/// Where the comment or string that begins at `at` ends; one further where none begins.
fn token_end(chars: &[char], at: usize, quotes: &str) -> usize {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment(rest),
        ['r', '"' | '#', ..] if quotes == "\"" && !is_word(chars, at) => at + raw_string(rest),
        ['\'', '\\', ..] if quotes == "\"" => at + 2 + until(&rest[2..], '\''),
        ['\'', _, '\'', ..] if quotes == "\"" => at + 3,
        [quote, ..] if quotes.contains(*quote) => at + 1 + until(&rest[1..], *quote),
        _ => at + 1,
    }
}

/// Whether the character before continues a word, as in `for"`.
fn is_word(chars: &[char], at: usize) -> bool {
    at > 0 && chars[at - 1].is_alphanumeric()
}

/// Length up to and with the closing quote; a backslash guards the character behind it.
fn until(rest: &[char], quote: char) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of `r"..."` or `r#"..."#`; 1 where it is a raw identifier.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 1;
    }
    let mut at = 2 + hashes;
    while at < rest.len() {
        let closes =
            rest[at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

/// The code without its inline test modules, which are blanked too.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(begin) = rest.find("#[cfg(test)]") {
        let (before, tests) = rest.split_at(begin);
        out.push_str(before);
        let end = item_end(tests);
        out.extend(tests[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &tests[end..];
    }
    out.push_str(rest);
    out
}

/// Where the item that begins here ends: at its `;`, or at the brace that closes its first one.
pub(crate) fn item_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_and_strings_become_blanks_and_lines_stay() {
    let text = "let a = \"x // y\"; // tokio::\n/* one /* two */ */ fn f<'a>(c: 'b') {}\n";
    let code = blank(text, "\"");
    assert_eq!(code.lines().count(), 2);
    assert!(!code.contains("tokio") && !code.contains("two") && !code.contains('y'), "{code}");
    assert!(code.contains("fn f<'a>(c:"), "{code}");
    let raw = blank("let r = r#\"std::fs \" \"#; let q = '\"'; done", "\"");
    assert!(raw.contains("done") && !raw.contains("std::fs"), "{raw}");
    let script = blank("f('// no', `x`) // yes\ng()", "'\"`");
    assert!(script.contains("g()") && !script.contains("no") && !script.contains("yes"));
}

#[test]
fn test_modules_become_blanks_and_what_follows_stays() {
    let code = "a();\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nc();\n#[cfg(test)]\nmod t;\nd();";
    let kept = without_tests(code);
    assert!(kept.contains("a();") && kept.contains("c();") && kept.contains("d();"), "{kept}");
    assert!(!kept.contains("fn b") && !kept.contains("mod t;"), "{kept}");
}
