//! Chromium, driven by the scripts in `tests/browser`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::speech::run;
use crate::turn::folder;

/// What decides which packages are installed.
const MANIFESTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// Runs a script and returns what it tells.
pub(crate) fn tell(script: &str, wish: &Value) -> Value {
    let mut node = Command::new("node");
    node.arg(scripts().join(script)).arg(wish.to_string());
    node.env("STOA_BROWSER_MODULES", installed()).stderr(Stdio::inherit());
    let told = run(&mut node);
    serde_json::from_slice(&told).unwrap_or_else(|error| {
        panic!("{script} told no JSON ({error}): {}", String::from_utf8_lossy(&told))
    })
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// The folder with the packages; outside of the source tree, installed again when the lock has changed.
fn installed() -> PathBuf {
    let folder = folder();
    let same = |name: &str| fs::read(scripts().join(name)).ok() == fs::read(folder.join(name)).ok();
    if folder.join("node_modules").is_dir() && MANIFESTS.iter().all(|name| same(name)) {
        return folder;
    }
    for name in MANIFESTS {
        fs::copy(scripts().join(name), folder.join(name)).unwrap();
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&folder));
    folder
}
