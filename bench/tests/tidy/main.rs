//! The house rules that a machine can check. Each test lists every violation as `file:line: what is wrong`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

mod arrows;
mod files;
mod javascript;
mod layout;
mod lexer;
mod markup;
mod names;
mod rust;
mod shells;

use files::{File, Violation};

#[test]
fn the_top_level_is_what_was_agreed() {
    judge(&layout::top_level(&files::top_level()));
}

#[test]
fn files_stay_under_400_lines() {
    judge_each(layout::length);
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    judge_each(layout::opening);
}

#[test]
fn module_files_hold_docs_and_modules_and_nothing_else() {
    judge_each(layout::module_file);
}

#[test]
fn main_files_stay_under_25_lines() {
    judge_each(layout::main_file);
}

#[test]
fn names_are_nouns_of_the_domain() {
    judge_each(names::check);
}

#[test]
fn unsafe_stands_in_the_kernel_module_alone() {
    judge_each(rust::unsafe_code);
}

#[test]
fn nothing_is_left_undone_ignored_or_allowed() {
    judge_each(rust::unfinished);
}

#[test]
fn nothing_is_exported_by_glob() {
    judge_each(rust::globs);
}

#[test]
fn cores_touch_no_clock_socket_file_or_task() {
    judge_each(shells::check);
}

#[test]
fn names_reach_a_page_as_text_and_not_as_markup() {
    judge_each(markup::check);
}

#[test]
fn javascript_functions_stay_under_70_lines() {
    judge_each(javascript::functions);
}

#[test]
fn the_arrows_between_packages_point_one_way() {
    judge(&arrows::check(&files::manifests()));
}

fn judge_each(rule: impl Fn(&File) -> Vec<Violation>) {
    let files = files::sources();
    assert!(files.len() > 50, "only {} files were found; is this the repository?", files.len());
    let violations: Vec<Violation> = files.iter().flat_map(rule).collect();
    judge(&violations);
}

fn judge(violations: &[Violation]) {
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} violations:\n{}", list.len(), list.join("\n"));
}
