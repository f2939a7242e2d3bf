//! What an operator reads when a configuration file is wrong, and how secrets come in.

use std::path::Path;

use serde::Deserialize;

use super::{ConfigurationError, Fault, load, parse};
use crate::configuration::Secret;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    port: u16,
    name: String,
    mesh: Mesh,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Mesh {
    links_max: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    key: Secret,
}

fn settings(text: &str) -> Result<Settings, ConfigurationError> {
    parse(text, Path::new("stoa.toml"))
}

fn key(text: &str) -> Result<Secret, ConfigurationError> {
    parse::<Keys>(text, Path::new("stoa.toml")).map(|keys| keys.key)
}

fn fault(error: ConfigurationError) -> Fault {
    match error {
        ConfigurationError::Invalid(fault) => *fault,
        other => panic!("not about the text: {other}"),
    }
}

#[test]
fn without_a_file_everything_has_its_default() {
    assert_eq!(load::<Settings>(None).unwrap(), Settings::default());
}

#[test]
fn a_correct_file_is_read_and_missing_keys_keep_their_default() {
    let read = settings("port = 7\n[mesh]\nlinks_max = 3\n").unwrap();
    let expected = Settings { port: 7, name: String::new(), mesh: Mesh { links_max: 3 } };
    assert_eq!(read, expected);
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_key_that_was_meant() {
    let error = settings("port = 7\n\n[mesh]\n  link_max = 3\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "stoa.toml:4:3: unknown field `link_max`, expected `links_max`\n  |\n  |   link_max = 3\n  \
         |   ^^^^^^^^\n  = did you mean `links_max`?"
    );
}

#[test]
fn a_key_like_no_other_is_answered_with_the_list_of_keys() {
    let error = settings("colour = 1\n").unwrap_err().to_string();
    assert!(error.starts_with("stoa.toml:1:1: unknown field `colour`"), "{error}");
    assert!(error.ends_with("use one of: port, name, mesh"), "{error}");
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_with_what_belongs_there() {
    let error = settings("name = \"a\"\nport = \"x\"\n").unwrap_err().to_string();
    assert!(error.starts_with("stoa.toml:2:8: "), "{error}");
    assert!(error.contains("  | port = \"x\"\n  |        ^^^\n"), "{error}");
    assert!(error.ends_with("replace the value by a whole number from 0 to 65535"), "{error}");
}

#[test]
fn a_number_out_of_range_is_refused() {
    let error = settings("port = 70000\n").unwrap_err().to_string();
    assert!(error.ends_with("replace the value by a whole number from 0 to 65535"), "{error}");
}

#[test]
fn broken_syntax_is_shown_with_its_line() {
    let error = settings("port = 7\nname = unquoted words\n").unwrap_err();
    assert_eq!(fault(error).line, 2);
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let error = settings("mesh = { \"äöü\" = 1 }\n").unwrap_err();
    let fault = fault(error);
    assert_eq!((fault.line, fault.column), (1, 10));
}

#[test]
fn a_long_line_is_cut_around_the_fault() {
    let text = format!("name = \"{}\"; \n", "x".repeat(5_000));
    let Fault { excerpt, caret, .. } = fault(settings(&text).unwrap_err());
    assert!(excerpt.chars().count() <= super::EXCERPT_CHARACTERS_MAX);
    assert!(caret.chars().count() <= super::EXCERPT_CHARACTERS_MAX);
}

#[test]
fn a_missing_file_is_named() {
    let error = load::<Settings>(Some(Path::new("/nowhere/stoa.toml"))).unwrap_err().to_string();
    assert!(error.contains("/nowhere/stoa.toml"), "{error}");
}

#[test]
fn a_secret_in_place_is_read_and_never_printed() {
    let secret = key("key = \"hunter2\"").unwrap();
    assert_eq!(secret.expose(), "hunter2");
    assert_eq!(format!("{secret:?}"), "***");
}

#[test]
fn a_secret_file_is_read_without_its_line_end() {
    let path = std::env::temp_dir().join(format!("stoa-secret-{}", std::process::id()));
    std::fs::write(&path, "from a file\n").unwrap();
    let secret = key(&format!("key = {{ file = {path:?} }}"));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(secret.unwrap().expose(), "from a file");
}

#[test]
fn a_secret_comes_from_the_environment() {
    let secret = key("key = { env = \"CARGO_PKG_NAME\" }").unwrap();
    assert_eq!(secret.expose(), "runtime");
}

#[test]
fn a_secret_that_is_not_there_is_named_with_its_line() {
    let error = key("key = { file = \"/nowhere/key\" }").unwrap_err().to_string();
    assert!(error.starts_with("stoa.toml:1:"), "{error}");
    assert!(error.contains("cannot read the secret file /nowhere/key"), "{error}");
    let error = key("key = { env = \"STOA_TEST_NOT_SET\" }").unwrap_err().to_string();
    assert!(error.contains("STOA_TEST_NOT_SET is not set"), "{error}");
}

#[test]
fn a_secret_of_a_wrong_form_is_refused() {
    for wrong in ["1", "true", "\"\"", "{}", "{ path = \"x\" }", "{ file = \"a\", env = \"b\" }"] {
        assert!(key(&format!("key = {wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn a_wrongly_written_secret_does_not_show_in_the_message() {
    for wrong in ["4711", "\"4711", "4711 x", "[4711]", "true4711"] {
        let error = key(&format!("key = {wrong}")).unwrap_err().to_string();
        assert!(!error.contains("4711"), "{error}");
        assert!(error.contains("  | key = ***\n"), "{error}");
    }
}
