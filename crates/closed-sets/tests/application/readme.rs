//! The README agrees with the fixture and with the codes.

use std::fs;
use std::path::Path;

use closed_sets::Code;

const README: &str = include_str!("../../README.md");

/// The code blocks of a language, in their order.
fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let after_opening = README.split(&opening).skip(1);
    let blocks = after_opening.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()));
    blocks.collect()
}

fn fixture(path: &str) -> String {
    fs::read_to_string(Path::new("tests/fixture").join(path)).unwrap()
}

#[test]
fn the_code_blocks_are_the_files_of_the_fixture() {
    let files = |paths: &[&str]| -> Vec<String> { paths.iter().map(|path| fixture(path)).collect() };
    assert_eq!(blocks("rust"), files(&["build.rs", "src/order_status.rs"]));
    let migrations = [
        "migrations/2026-01-05-090000_create_orders/up.sql",
        "migrations/2026-02-10-090000_add_refunded/up.sql",
    ];
    assert_eq!(blocks("sql"), files(&migrations));
    assert_eq!(blocks("markdown"), files(&["closed_sets.md"]));
    assert!(fixture("Cargo.toml").ends_with(&blocks("toml")[0]));
}

#[test]
fn the_readme_has_the_meaning_of_every_code() {
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| MG")).collect();
    let expected = Code::ALL.iter().map(|code| format!("| {code} | {} |", code.meaning()));
    assert_eq!(rows, expected.collect::<Vec<_>>());
}
