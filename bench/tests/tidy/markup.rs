//! Pages that are made by hand: names of rooms and people must not become markup.

use crate::files::{File, Violation};
use crate::lexer;

/// The folder whose files write pages, and the one file in it that may put text together: what it is given is escaped.
const PAGES: &str = "origin/src/status/";
const ESCAPES: &str = "origin/src/status/html.rs";

/// Ways around it. `format!` is none: what it makes is given to a template and escaped there.
const WAYS_AROUND: [&str; 4] = ["push_str(", "write!(", "writeln!(", "Html("];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    if !file.is_rust() || !file.path.starts_with(PAGES) || file.path == ESCAPES || file.is_test() {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, line) in lexer::without_tests(&file.code).lines().enumerate() {
        for way in WAYS_AROUND.iter().filter(|way| line.contains(*way)) {
            let what = format!("`{way}`: text reaches a page through `Html::put` alone");
            violations.push(file.violation(index + 1, what));
        }
    }
    violations
}

#[test]
fn text_that_goes_around_the_escaping_is_named() {
    let foul = "//! A.\nfn f(s: &mut String, name: &str) {\n s.push_str(name);\n page.put(\"{}\", &[&name]);\n}\n";
    let lines = |path: &str| -> Vec<usize> {
        check(&File::new(path, foul)).iter().map(|violation| violation.line).collect()
    };
    assert_eq!(lines("origin/src/status/page.rs"), [3]);
    assert_eq!(lines("origin/src/status/html.rs"), [0; 0]);
    assert_eq!(lines("origin/src/room/log.rs"), [0; 0]);
    assert!(crate::files::root().join(ESCAPES).exists());
}
