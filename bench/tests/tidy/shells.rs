//! Cores are pure: what touches the world stands in `io.rs`, a composition root or a listed shell.

use crate::files::{File, Violation};
use crate::lexer;

/// Files of these names are shells wherever they lie.
const SHELL_NAMES: [&str; 2] = ["io.rs", "main.rs"];

/// Folders (with `/` at the end) and files that are shells, each with the reason.
const SHELLS: [(&str, &str); 11] = [
    ("bench/", "runs and measures real processes"),
    ("edge-node/src/edge.rs", "composition root"),
    ("edge-node/src/media/kernel/", "the system calls of the hot path"),
    (
        "edge-node/src/rooms/handle.rs",
        "the door of the rooms' thread: others wait here for answers",
    ),
    ("edge-node/src/signaling/", "HTTP and WebSocket are asynchronous from end to end"),
    ("edge-node/src/webrtc/handle.rs", "the door of the media threads, which it starts"),
    ("edge-node/src/webrtc/mailbox.rs", "the channels behind that door"),
    ("geo/runtime/", "start-up code: files, signals, the metrics page"),
    ("origin/link/", "QUIC on the wire"),
    ("origin/src/migrate.rs", "a command that runs one task and ends"),
    ("origin/src/origin.rs", "composition root"),
];

/// What a core must not say, and what it should do instead.
const WORLD: [(&str, &str); 18] = [
    ("tokio::", "tasks and channels belong in a shell"),
    ("async fn", "a core is a plain state machine"),
    ("async move", "a core is a plain state machine"),
    (".await", "a core is a plain state machine"),
    ("Instant::now", "take `now: Instant` as an argument"),
    ("SystemTime::now", "take the time as an argument"),
    (".elapsed()", "take `now: Instant` as an argument and subtract"),
    ("rand::rng()", "take `rng` as an argument"),
    ("rand::random", "take `rng` as an argument"),
    ("UdpSocket", "sockets belong in a shell"),
    ("TcpListener", "sockets belong in a shell"),
    ("TcpStream", "sockets belong in a shell"),
    ("ToSocketAddrs", "name resolution belongs in a shell"),
    ("std::fs", "files belong in a shell"),
    ("std::env", "the environment belongs in a shell"),
    ("std::thread", "threads belong in a shell"),
    ("thread::spawn", "threads belong in a shell"),
    ("println!", "output belongs in a shell"),
];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    if !file.is_rust() || file.is_test() || is_shell(file) {
        return Vec::new();
    }
    let code = lexer::without_tests(&file.code);
    let mut violations = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let told = WORLD.iter().filter(|(word, _)| line.contains(word));
        violations.extend(
            told.map(|(word, rule)| file.violation(index + 1, format!("`{word}`: {rule}"))),
        );
    }
    violations
}

fn is_shell(file: &File) -> bool {
    let listed = |(path, _): &(&str, &str)| {
        if path.ends_with('/') { file.path.starts_with(path) } else { file.path == *path }
    };
    SHELL_NAMES.contains(&file.name()) || file.path.contains("/io/") || SHELLS.iter().any(listed)
}

#[test]
fn a_core_that_looks_at_the_clock_is_named_and_its_tests_are_not() {
    let core = "//! A.\nfn f() { Instant::now() }\n#[cfg(test)]\nmod tests {\n fn t() { std::fs::read(p) }\n}\n";
    let lines = |path: &str| -> Vec<usize> {
        check(&File::new(path, core)).iter().map(|violation| violation.line).collect()
    };
    assert_eq!(lines("origin/src/tree/plan.rs"), [2]);
    assert_eq!(lines("origin/src/tree/io.rs"), [0; 0]);
    assert_eq!(lines("origin/link/src/endpoint.rs"), [0; 0]);
    assert_eq!(lines("origin/src/tree/tests.rs"), [0; 0]);
}

#[test]
fn every_listed_shell_still_exists() {
    for (path, _) in SHELLS {
        assert!(crate::files::root().join(path).exists(), "{path} is gone; take it off the list");
    }
}
