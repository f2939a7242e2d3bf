//! Reads a TOML file into a type. A mistake names file, line and column, shows the line with a caret
//! and says what to do; types that carry `deny_unknown_fields` get unknown keys reported that way.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::hint;

/// Largest configuration file that is read, in bytes.
pub const CONFIGURATION_BYTES_MAX: u64 = 1024 * 1024;

/// Characters of the faulty line that are shown; a longer line is cut around the fault.
const EXCERPT_CHARACTERS_MAX: usize = 120;

/// Parts of keys whose values are not shown.
const SECRET_WORDS: [&str; 5] = ["secret", "password", "token", "key", "credential"];

/// Why a configuration was refused.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {reason}; check the path and its permissions", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The file is larger than [`CONFIGURATION_BYTES_MAX`].
    #[error("the configuration file {} is larger than {max} bytes; is this the right file?", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How many bytes are allowed.
        max: u64,
    },
    /// The text is no TOML, or holds an unknown key or a wrong value.
    #[error("{0}")]
    Invalid(Box<Fault>),
}

/// A fault in a configuration file: where, what, and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}:{line}:{column}: {message}\n  |\n  | {excerpt}\n  | {caret}\n  = {hint}", path.display())]
pub struct Fault {
    /// Which file.
    pub path: PathBuf,
    /// Line of the fault, from 1.
    pub line: usize,
    /// Column of the fault in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line itself.
    pub excerpt: String,
    /// Carets under the faulty part of `excerpt`.
    pub caret: String,
    /// What to do.
    pub hint: String,
}

/// Reads `path` into a `T`; without a path, `T::default()`.
///
/// # Errors
/// A [`ConfigurationError`] when the file cannot be read, is too large or does not fit the type.
pub fn load<T: DeserializeOwned + Default>(path: Option<&Path>) -> Result<T, ConfigurationError> {
    let Some(path) = path else { return Ok(T::default()) };
    let unreadable = |reason| ConfigurationError::Read { path: path.to_owned(), reason };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > CONFIGURATION_BYTES_MAX {
        return Err(ConfigurationError::TooLarge {
            path: path.to_owned(),
            max: CONFIGURATION_BYTES_MAX,
        });
    }
    parse(&std::fs::read_to_string(path).map_err(unreadable)?, path)
}

/// Reads TOML text into a `T`; `path` only names it in errors.
///
/// # Errors
/// [`ConfigurationError::Invalid`] when the text does not fit the type.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigurationError> {
    toml::from_str(text).map_err(|error| explain(&error, text, path))
}

fn explain(error: &toml::de::Error, text: &str, path: &Path) -> ConfigurationError {
    let span = error.span().unwrap_or(0..0);
    let start = floor_to_character(text, span.start);
    let end = floor_to_character(text, span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let before = text[line_start..start].chars().count();
    let marked = text[start..end.min(line_end)].chars().count().max(1);
    let line = masked(&text[line_start..line_end]);
    let (excerpt, caret) = excerpt(&line, before, marked);
    let message = error.message().to_owned();
    ConfigurationError::Invalid(Box::new(Fault {
        path: path.to_owned(),
        line: text[..start].matches('\n').count() + 1,
        column: before + 1,
        hint: hint::for_message(&message),
        message,
        excerpt,
        caret,
    }))
}

/// The line without its value where the key sounds like a secret: errors end up in logs.
fn masked(line: &str) -> Cow<'_, str> {
    let Some((key, value)) = line.split_once('=') else { return Cow::Borrowed(line) };
    let key_in_lower_case = key.to_ascii_lowercase();
    let by_reference = value.trim_start().starts_with('{');
    if by_reference || !SECRET_WORDS.iter().any(|word| key_in_lower_case.contains(word)) {
        return Cow::Borrowed(line);
    }
    Cow::Owned(format!("{key}= ***"))
}

/// The line and the carets below it, both cut to a window around the fault.
fn excerpt(line: &str, before: usize, marked: usize) -> (String, String) {
    let before = before.min(line.chars().count());
    let skipped = before.saturating_sub(EXCERPT_CHARACTERS_MAX / 2);
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(EXCERPT_CHARACTERS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let indent = before - skipped;
    let room = shown.chars().count().saturating_sub(indent).max(1);
    let caret = format!("{}{}", " ".repeat(indent), "^".repeat(marked.min(room)));
    (shown, caret)
}

fn floor_to_character(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
