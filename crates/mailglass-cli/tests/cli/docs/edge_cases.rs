//! Schemas that are hard to document: odd names, markup in comments, and every kind of object that Postgres has for a table.

use std::path::{Path, PathBuf};
use std::{env, fs};

use diesel::connection::SimpleConnection;
use scratch_postgres::Database;
use similar::TextDiff;
use test_support::{connect, server};

use super::docs;
use crate::folder::Folder;

fn database_with(sql: &str) -> Database {
    let database = server().database().unwrap();
    connect(&database).batch_execute(sql).unwrap();
    database
}

/// Documents all of `edge_cases.sql` twice. The first output stays in `target/tmp/edge_cases`, where `tests/readers` expects it.
#[test]
fn a_schema_with_every_edge_case_is_documented_and_always_with_the_same_bytes() {
    let sql = include_str!("edge_cases.sql");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edge_cases");
    let everything = ["--tables", "*,*.*"];
    docs(&database_with(sql), &out, &everything).exits(0);
    let check = [&everything[..], &["--check", "--allow-missing-notes"]].concat();
    docs(&database_with(sql), &out, &check).exits(0);
}

/// The folders in `cases`. Each holds a `schema.sql` and the files of the docs in which the difficulty shows. A line
/// `-- tables: …` in `schema.sql` overrides which tables are documented.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/docs/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

/// `BLESS=1` writes the expected files that exist. To expect another file, create it empty first.
#[test]
fn each_difficulty_is_documented_as_expected() {
    let mut differences = String::new();
    for case in cases() {
        let sql = fs::read_to_string(case.join("schema.sql")).unwrap();
        let tables = sql.lines().find_map(|line| line.strip_prefix("-- tables: "));
        let out = Folder::new();
        docs(&database_with(&sql), out.path(), &["--tables", tables.unwrap_or("*")]).exits(0);
        let mut expected_files = 0;
        for name in out.names() {
            let expected_file = case.join(&name);
            if !expected_file.exists() {
                continue;
            }
            expected_files += 1;
            let found = fs::read_to_string(out.path().join(&name)).unwrap();
            if env::var_os("BLESS").is_some() {
                fs::write(&expected_file, &found).unwrap();
            }
            let expected = fs::read_to_string(&expected_file).unwrap();
            if found != expected {
                let diff = TextDiff::from_lines(&expected, &found);
                let header = format!("{}", expected_file.display());
                differences += &diff.unified_diff().header(&header, "found").to_string();
            }
        }
        assert!(expected_files > 0, "{} expects nothing", case.display());
    }
    assert!(differences.is_empty(), "{differences}");
}
