//! The limits of what clients write: lengths in characters, no control characters, and a problem that names the field. Pure.

use std::ops::RangeInclusive;

use super::super::problem::Problem;

/// Most characters of why something is done.
pub(super) const REASON_CHARACTERS_MAX: usize = 200;
/// Most characters of a room's name.
pub(super) const NAME_CHARACTERS_MAX: usize = 100;
/// Most characters of a room's topic, and of what rooms are searched for.
pub(super) const TOPIC_CHARACTERS_MAX: usize = 200;
/// Most characters of a room's description.
pub(super) const DESCRIPTION_CHARACTERS_MAX: usize = 2_000;
/// Most characters of a language tag (RFC 5646 section 4.4.1).
pub(super) const LANGUAGE_CHARACTERS_MAX: usize = 35;
/// Most characters of an identity, as tokens have it.
pub(super) const IDENTITY_CHARACTERS_MAX: usize = 128;
/// The last millisecond of the year 9999, in milliseconds since 1970.
pub(super) const SCHEDULED_MS_MAX: u64 = 253_402_300_799_999;

/// Whether control characters may stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Several,
}

/// A text of so many characters.
///
/// # Errors
/// 400 that names the field.
pub(super) fn check_text(
    field: &'static str,
    text: &str,
    characters: RangeInclusive<usize>,
    lines: Lines,
) -> Result<(), Problem> {
    let (least, most) = (*characters.start(), *characters.end());
    let blank = least > 0 && text.trim().is_empty();
    if blank || !characters.contains(&text.chars().count()) {
        let detail = format!("The field `{field}` takes {least} to {most} characters.");
        return Err(malformed(field, detail));
    }
    let breaks = |c: char| lines == Lines::Several && matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(|c| c.is_control() && !breaks(c)) {
        return Err(malformed(field, format!("The field `{field}` holds a control character.")));
    }
    Ok(())
}

/// Why something is done.
///
/// # Errors
/// 400.
pub(crate) fn check_reason(reason: &str) -> Result<(), Problem> {
    check_text("reason", reason, 0..=REASON_CHARACTERS_MAX, Lines::One)
}

/// Who a token says somebody is.
///
/// # Errors
/// 400.
pub(crate) fn check_identity(identity: &str) -> Result<(), Problem> {
    check_text("identity", identity, 1..=IDENTITY_CHARACTERS_MAX, Lines::One)
}

/// The language of a room: subtags of one to eight letters and digits (RFC 5646 section 2.1), or nothing.
///
/// # Errors
/// 400.
pub(super) fn check_language(language: &str) -> Result<(), Problem> {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fits = language.len() <= LANGUAGE_CHARACTERS_MAX && language.split('-').all(subtag);
    if language.is_empty() || fits {
        return Ok(());
    }
    Err(malformed(
        "language",
        "The field `language` takes a language tag, such as `el` or `pt-BR`.",
    ))
}

/// 400 for a field whose value cannot be.
pub(super) fn malformed(field: &str, detail: impl Into<String>) -> Problem {
    let code = if field == "name" { "name-malformed" } else { "field-malformed" };
    Problem::bad_request(code, detail).about(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_and_the_problem_names_the_field() {
        let greek = "α".repeat(200);
        assert!(check_text("topic", &greek, 0..=200, Lines::One).is_ok());
        for (text, lines) in [
            (format!("{greek}α"), Lines::One),
            ("a\u{0}b".into(), Lines::Several),
            ("a\nb".into(), Lines::One),
            ("a\u{85}b".into(), Lines::Several),
        ] {
            let problem = check_text("topic", &text, 0..=200, lines).expect_err("refused");
            assert_eq!(
                (problem.code.as_str(), problem.field.as_deref()),
                ("field-malformed", Some("topic"))
            );
        }
        assert!(check_text("description", "a\nb", 0..=200, Lines::Several).is_ok());
        assert!(check_text("name", " ", 1..=100, Lines::One).is_err());
    }

    #[test]
    fn a_language_is_a_tag() {
        for good in ["", "el", "pt-BR", "zh-Hant-TW", "x-private"] {
            assert!(check_language(good).is_ok(), "{good}");
        }
        for bad in ["-", "el-", "e l", "ελ", "abcdefghi", &"ab-".repeat(12)] {
            assert_eq!(check_language(bad).expect_err(bad).field.as_deref(), Some("language"));
        }
    }
}
