//! The cases in `cases/`: a description, edits of the base, and the whole text of the findings.
//!
//! `BLESS=1 cargo test -p closed-sets cases` writes new and changed texts; read them before committing.

use std::path::Path;
use std::{env, fs};

use super::base::Tree;
use crate::code::Code;

/// Applies the edits of a case: `@ path`, then lines to replace (`-`) with others (`+`). Only `+` lines write the whole
/// file, and no lines delete it. `@ version` sets the crate's version.
fn edited(case: &str) -> Tree {
    let mut tree = Tree::base();
    let mut sections = case.split("\n@ ");
    assert!(
        !sections.next().unwrap().trim().is_empty(),
        "a case begins with a description"
    );
    for section in sections {
        let (path, edits) = section.split_once('\n').unwrap_or((section, ""));
        let mut hunks: Vec<(String, String)> = Vec::new();
        let mut in_new = true;
        for line in edits.lines() {
            if let Some(old) = line.strip_prefix('-') {
                if in_new {
                    hunks.push((String::new(), String::new()));
                }
                in_new = false;
                hunks.last_mut().unwrap().0 += &format!("{old}\n");
            } else if let Some(new) = line.strip_prefix('+') {
                in_new = true;
                if hunks.is_empty() {
                    hunks.push((String::new(), String::new()));
                }
                hunks.last_mut().unwrap().1 += &format!("{new}\n");
            } else {
                assert_eq!(line, "", "an edit begins with - or +");
            }
        }
        match hunks.as_slice() {
            [] => assert!(tree.files.remove(path).is_some(), "{path} does not exist"),
            [(old, new)] if path == "version" && old.is_empty() => tree.version = new.trim().to_owned(),
            [(old, new)] if old.is_empty() => tree.set(path, new.as_bytes()),
            hunks => hunks.iter().for_each(|(old, new)| tree.replace(path, old, new)),
        }
    }
    tree
}

fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/cases");
    let mut cases: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), fs::read_to_string(path).unwrap())
        })
        .collect();
    cases.sort();
    cases
}

#[test]
fn the_base_has_no_findings() {
    assert_eq!(Tree::base().report(), "");
}

#[test]
fn every_case_is_reported_in_these_words() {
    let bless = env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for (path, text) in cases() {
        let (case, expected) = text.split_once("\n=\n").unwrap_or((&text, ""));
        let report = edited(case).report();
        if bless {
            fs::write(&path, format!("{}\n=\n{report}", case.trim_end())).unwrap();
        } else if report != expected {
            wrong.push(format!("{path}\n--- expected\n{expected}--- found\n{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_case() {
    let reports: String = cases()
        .into_iter()
        .map(|(_, text)| text.split_once("\n=\n").unwrap_or_default().1.to_owned())
        .collect();
    for code in Code::ALL {
        assert!(reports.contains(&format!(": {code} ")), "no case reports {code}");
    }
}
