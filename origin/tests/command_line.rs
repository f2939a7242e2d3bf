//! The binary's subcommands, run as people run them.

#![expect(clippy::unwrap_used, reason = "a test that cannot run the binary has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::{Grants, Key, Keys};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stoa-command-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that is gone already needs no removal.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa-origin"));
    command.args(arguments).env_remove("STOA_TOKEN_SECRET");
    if let Some(secret) = secret {
        command.env("STOA_TOKEN_SECRET", secret);
    }
    command.output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments, None);
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn keys() -> Keys {
    Keys::new([("any".to_owned(), SECRET)]).unwrap()
}

#[test]
fn a_token_signed_with_a_secret_says_what_was_asked_for() {
    let folder = Folder::new("secret");
    let file = folder.file("secret", &format!("{SECRET}\n"));
    let arguments = [
        "token",
        "--room",
        "agora",
        "--role",
        "speaker",
        "--identity",
        "ada",
        "--name",
        "Ada",
        "--ttl",
        "2h",
        "--grant",
        "create,list",
        "--secret-file",
        &file,
    ];
    let token = printed(&run(&arguments, None));
    let room = RoomId::new("agora").unwrap();
    let claims = keys().verify(&token, Some(&room), now()).unwrap().claims;
    assert_eq!((claims.room, claims.role), (Some(room), Role::Speaker));
    assert_eq!((claims.sub.as_str(), claims.name.as_str()), ("ada", "Ada"));
    assert_eq!(claims.grants, Grants { create: true, list: true, ..Grants::default() });
    assert_eq!(claims.exp - claims.iat, 7_200);
    assert_eq!(claims.jti.len(), 32);
}

#[test]
fn the_secret_may_stand_in_the_environment_and_a_link_be_asked_for() {
    let arguments =
        ["token", "--room", "agora", "--identity", "ada", "--link", "https://ams.example.net/"];
    let link = printed(&run(&arguments, Some(SECRET)));
    let token = link.strip_prefix("https://ams.example.net/r/agora#token=").unwrap();
    let claims = keys().verify(token, None, now()).unwrap().claims;
    assert_eq!((claims.role, claims.exp - claims.iat), (Role::Listener, 3_600));
}

#[test]
fn a_made_key_signs_tokens_that_its_public_half_accepts() {
    let folder = Folder::new("key");
    let private = folder.path("key.pem");
    let snippet = printed(&run(&["key", "--out", &private], None));
    let id = snippet.split("id = \"").nth(1).unwrap().split('"').next().unwrap();
    let public = fs::read_to_string(folder.path("key.pem.pub")).unwrap();
    let keys = Keys::from_keys([Key::ed25519(id, &public).unwrap()]).unwrap();
    let token = printed(&run(&["token", "--identity", "back-end", "--key", &private], None));
    let bearer = keys.verify(&token, None, now()).unwrap();
    assert_eq!((bearer.key.as_str(), bearer.claims.room), (id, None));
    let named = ["token", "--identity", "b", "--key", &private, "--kid", "other"];
    let token = printed(&run(&named, None));
    let keys = Keys::from_keys([Key::ed25519("other", &public).unwrap()]).unwrap();
    assert!(keys.verify(&token, None, now()).is_ok());
}

#[test]
fn a_private_key_is_for_its_owner_alone_and_is_never_written_over() {
    let folder = Folder::new("mode");
    let private = folder.path("key.pem");
    printed(&run(&["key", "--out", &private], None));
    let mode = fs::metadata(&private).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read_to_string(&private).unwrap();
    let error = refused(&["key", "--out", &private]);
    assert!(error.contains("--out"), "{error}");
    assert_eq!(fs::read_to_string(&private).unwrap(), before);
}

#[test]
fn mistakes_say_what_to_do_and_nothing_of_the_secret() {
    let folder = Folder::new("mistakes");
    let short = folder.file("short", "hunter2");
    let long = folder.file("long", SECRET);
    let token = ["token", "--identity", "ada"];
    let with = |more: &[&'static str]| [&token[..], more].concat();
    let secret = ["--secret-file", long.as_str()];
    let cases: [(Vec<&str>, &str); 9] = [
        (with(&[]), "STOA_TOKEN_SECRET"),
        ([&token[..], &["--secret-file", short.as_str()]].concat(), "at least 32"),
        (with(&["--secret-file", "/nonexistent"]), "cannot read /nonexistent"),
        ([&token[..], &["--key", long.as_str()]].concat(), "stoa-origin key"),
        ([&token[..], &secret[..], &["--ttl", "32d"]].concat(), "31d"),
        ([&token[..], &secret[..], &["--ttl", "soon"]].concat(), "2h"),
        ([&token[..], &secret[..], &["--role", "king"]].concat(), "moderator"),
        ([&token[..], &secret[..], &["--grant", "fly"]].concat(), "read_log"),
        ([&token[..], &secret[..], &["--link", "https://a"]].concat(), "--room"),
    ];
    for (arguments, says) in cases {
        let error = refused(&arguments);
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(!error.contains("hunter2") && !error.contains(SECRET), "{error}");
    }
}

#[test]
fn a_configuration_is_checked_without_being_run() {
    let folder = Folder::new("check");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("stoa-origin.example.toml");
    let example = example.display().to_string();
    assert!(printed(&run(&["check", "--config", &example], None)).contains("valid"));
    let wrong = folder.file("wrong.toml", "[limits]\nroms = 3\n");
    let error = refused(&["check", "--config", &wrong]);
    assert!(error.contains("wrong.toml:2:1") && error.contains("roms"), "{error}");
    let hook = "[[webhooks]]\nurl = \"ftp://a/\"\nsecret = \"hunter2\"\n";
    let error = refused(&["check", "--config", &folder.file("hook.toml", hook)]);
    assert!(error.contains("webhooks.url") && !error.contains("hunter2"), "{error}");
    assert!(refused(&["check"]).contains("--config"));
}
