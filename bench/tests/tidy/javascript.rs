//! Rules on JavaScript, roughly: a function is what stands between the braces behind its head.

use crate::files::{File, Violation};

const LINES_MAX: usize = 70;

pub(crate) fn functions(file: &File) -> Vec<Violation> {
    if !file.is_javascript() {
        return Vec::new();
    }
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut violations = Vec::new();
    for (number, line) in file.lines() {
        for (at, c) in line.char_indices() {
            match c {
                '{' => open.push((number, is_head(&line[..at]))),
                '}' => {
                    let Some((begin, true)) = open.pop() else { continue };
                    let lines = number - begin + 1;
                    if lines > LINES_MAX {
                        let what = format!("a function of {lines} lines; at most {LINES_MAX}");
                        violations.push(file.violation(begin, what));
                    }
                }
                _ => {}
            }
        }
    }
    violations
}

/// Whether the code before a brace begins a function, a method or an arrow function.
fn is_head(before: &str) -> bool {
    let head = before.trim();
    let statements = ["if", "for", "while", "switch", "catch", "with"];
    let word = head.trim_start_matches("} ").split(|c: char| !c.is_alphanumeric()).next();
    let statement = word.is_some_and(|word| statements.contains(&word) || word == "else");
    head.ends_with("=>") || head.ends_with(')') && !statement
}

#[test]
fn long_functions_are_named_with_their_first_line_and_long_classes_are_not() {
    let body = "  x();\n".repeat(LINES_MAX);
    let foul = format!("class A {{\n  b(c) {{\n{body}  }}\n}}\n");
    let found = functions(&File::new("a.js", &foul));
    assert_eq!(found.iter().map(|v| v.line).collect::<Vec<_>>(), [2]);
    let fine = format!("const a = {{\n{body}}};\nif (x) {{\n{body}}}\n");
    assert_eq!(functions(&File::new("a.js", &fine)), []);
}
