//! The files of the repository, without what tools have made.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::lexer;

/// Folders whose content is not ours.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

/// A source file.
pub(crate) struct File {
    /// Its path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// The same lines with comments and the insides of strings blanked.
    pub(crate) code: String,
}

impl File {
    /// As found in the repository, or made up by a test.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let javascript = path.ends_with("js");
        let code = lexer::blank(text, if javascript { "'\"`" } else { "\"" });
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_javascript(&self) -> bool {
        self.path.ends_with(".js") || self.path.ends_with(".mjs")
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it only exists for tests.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.name();
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || self.path.contains("/tests/")
            || self.path.starts_with("tests/")
    }

    /// Numbered lines of the blanked code.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub(crate) fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, what: what.into() }
    }
}

/// A rule broken somewhere.
#[derive(Debug, PartialEq)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Names at the top of the repository.
pub(crate) fn top_level() -> Vec<String> {
    let entries = fs::read_dir(root()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// All Rust and JavaScript files.
pub(crate) fn sources() -> Vec<File> {
    let wanted = |path: &str| [".rs", ".js", ".mjs"].iter().any(|end| path.ends_with(end));
    let mut files = Vec::new();
    walk(&root(), &mut |path| {
        if wanted(path) {
            files.push(File::new(path, &fs::read_to_string(root().join(path)).unwrap()));
        }
    });
    files
}

/// All package manifests, as (path, text).
pub(crate) fn manifests() -> Vec<(String, String)> {
    let mut manifests = Vec::new();
    walk(&root(), &mut |path| {
        if path.ends_with("/Cargo.toml") && !path.starts_with("bench/fuzz/") {
            manifests.push((path.to_owned(), fs::read_to_string(root().join(path)).unwrap()));
        }
    });
    manifests
}

fn walk(folder: &Path, visit: &mut impl FnMut(&str)) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                walk(&path, visit);
            }
        } else {
            visit(path.strip_prefix(root()).unwrap().to_str().unwrap());
        }
    }
}
