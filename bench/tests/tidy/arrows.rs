//! Which package may depend on which: `geo <- origin <- edge-node <- bench`, and nothing back.

use crate::files::Violation;

/// Every package with the packages of ours that it may use.
const ARROWS: [(&str, &[&str]); 8] = [
    ("runtime", &[]),
    ("geo", &["runtime"]),
    ("audio", &[]),
    ("protocol", &["audio"]),
    ("link", &["audio", "protocol"]),
    ("origin", &["audio", "geo", "link", "protocol", "runtime"]),
    ("edge-node", &["audio", "geo", "link", "origin", "protocol", "runtime"]),
    ("bench", &["audio", "edge-node", "geo", "link", "origin", "protocol", "runtime"]),
];

/// The only package that may hold unsafe code (in `media/kernel`); it denies where others forbid.
const UNSAFE: &str = "edge-node";

/// What makes a package do input or output; the packages without any must not use it.
const WORLDLY: [&str; 4] = ["tokio", "quinn", "axum", "rustix"];
const PURE: [&str; 2] = ["audio", "protocol"];

pub(crate) fn check(manifests: &[(String, String)]) -> Vec<Violation> {
    manifests.iter().flat_map(|(path, text)| check_one(path, text)).collect()
}

fn check_one(path: &str, text: &str) -> Vec<Violation> {
    let violation = |needle: &str, what: String| {
        let line = text.lines().position(|line| line.trim_start().starts_with(needle));
        Violation { path: path.to_owned(), line: line.map_or(1, |index| index + 1), what }
    };
    let manifest: toml::Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![violation("", error.to_string())],
    };
    let name = manifest["package"]["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == name) else {
        return vec![violation("name", format!("`{name}` is no package of the plan"))];
    };
    let mut violations = Vec::new();
    for dependency in dependencies(&manifest) {
        let ours = ARROWS.iter().any(|(package, _)| *package == dependency);
        if ours && !allowed.contains(&dependency.as_str()) {
            violations
                .push(violation(&dependency, format!("`{name}` must not use `{dependency}`")));
        }
        if PURE.contains(&name) && WORLDLY.contains(&dependency.as_str()) {
            let what = format!("`{name}` does no input or output, so it needs no `{dependency}`");
            violations.push(violation(&dependency, what));
        }
    }
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).is_some();
    if !inherits && name != UNSAFE {
        violations.push(violation("[lints", "the workspace's lints are not inherited".into()));
    }
    violations
}

/// Names in `dependencies` and `build-dependencies`; tests may look further.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let tables = ["dependencies", "build-dependencies"];
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn an_arrow_that_points_back_is_named_with_its_line() {
    let manifest = "[package]\nname = \"geo\"\n[dependencies]\norigin.workspace = true\n[lints]\nworkspace = true\n";
    let found = check(&[("geo/Cargo.toml".into(), manifest.into())]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].what.as_str()), (4, "`geo` must not use `origin`"));
}

#[test]
fn a_worldly_dependency_of_a_pure_package_and_absent_lints_are_named() {
    let manifest = "[package]\nname = \"audio\"\n[dependencies]\ntokio = \"1\"\n";
    let found = check(&[("origin/audio/Cargo.toml".into(), manifest.into())]);
    assert_eq!(found.len(), 2, "{found:?}");
    let stranger = "[package]\nname = \"misc\"\n";
    assert_eq!(check(&[("misc/Cargo.toml".into(), stranger.into())]).len(), 1);
}
