//! A value that is never printed. It is given as `{ file = ".." }`, `{ env = ".." }` or in place; the
//! file is read while the configuration is, so a missing one is reported with its line.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// Longest secret in bytes.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

/// A password, key or token. It has no `Display` and no `Serialize`, and `Debug` prints `***`.
///
/// In a configuration file: `{ file = "/run/secrets/x" }` (trailing line ends are cut; relative to
/// the working directory), `{ env = "STOA_X" }`, or the text itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself. Whoever calls this keeps it out of logs and messages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

/// Accepts the three forms of a secret.
struct Form;

const PLACES: &[&str] = &["file", "env"];

impl<'de> Visitor<'de> for Form {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"{ file = "path" }, { env = "NAME" } or text in double quotes"#)
    }

    // Serde's own message for a wrong type quotes the value, so numbers are refused without it.
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(not_text())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(not_text())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        checked(text.to_owned(), "the secret")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let Some((place, name)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::custom("a secret needs `file` or `env`"));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("a secret has one place: either `file` or `env`"));
        }
        match place.as_str() {
            "file" => from_file(&name),
            "env" => from_environment(&name),
            other => Err(de::Error::unknown_field(other, PLACES)),
        }
    }
}

fn not_text<E: de::Error>() -> E {
    E::custom("a secret must be text; put it in double quotes")
}

fn from_file<E: de::Error>(path: &str) -> Result<Secret, E> {
    let unreadable = |error| E::custom(format!("cannot read the secret file {path}: {error}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One byte more than allowed, so that a longer file is noticed without reading all of it.
    file.take(SECRET_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    checked(text, &format!("the secret file {path}"))
}

fn from_environment<E: de::Error>(name: &str) -> Result<Secret, E> {
    // The error of `std::env::var` quotes a value that is not UTF-8, so it is not passed on.
    match std::env::var(name) {
        Ok(text) => checked(text, &format!("the environment variable {name}")),
        Err(std::env::VarError::NotPresent) => {
            Err(E::custom(format!("the environment variable {name} is not set")))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(E::custom(format!("the environment variable {name} is not UTF-8 text")))
        }
    }
}

fn checked<E: de::Error>(text: String, what: &str) -> Result<Secret, E> {
    if text.is_empty() {
        return Err(E::custom(format!("{what} is empty")));
    }
    if text.len() > SECRET_BYTES_MAX {
        return Err(E::custom(format!("{what} is longer than {SECRET_BYTES_MAX} bytes")));
    }
    Ok(Secret(text))
}
