//! Reads the manifest: a table for each closed set and one table of promised names, each below its marker.

use std::sync::Arc;

use crate::code::Code;
use crate::finding::Finding;
use crate::manifest::{Manifest, Set, set_marker};
use crate::place::Place;
use crate::version::Version;
use crate::{manifest_rows, manifest_table, markdown};

const SET_COLUMNS: &[&str] = &["#", "Label", "Variant", "Since", "Deprecated", "Removed", "Meaning"];
const NAME_COLUMNS: &[&str] = &["Kind", "Name", "Since", "Removed", "What it is"];

const NAMES_MARKER: &str = "<!-- promised-names -->";

/// Reads the manifest; `version` is the crate's.
pub(crate) fn parse(file: &Arc<str>, text: &str, version: Version, findings: &mut Vec<Finding>) -> Manifest {
    let lines = markdown::prose(text);
    let mut manifest = Manifest {
        file: Arc::clone(file),
        sets: Vec::new(),
        names: Vec::new(),
        is_whole: true,
    };
    let mut names_at: Option<Place> = None;
    let mut has_names = false;
    for (index, &(number, line)) in lines.iter().enumerate() {
        if !line.contains("<!--") {
            continue;
        }
        let marker = line.trim().to_ascii_lowercase();
        let at = Place::new(file, number, manifest_table::column_of(line));
        if marker.contains("closed-set") {
            let Some((name, rust)) = read_set_marker(line.trim()) else {
                findings.push(malformed_marker(&at, &set_marker("order_status", "OrderStatus")));
                manifest.is_whole = false;
                continue;
            };
            let table = manifest_table::find(&lines, index, SET_COLUMNS, &at, findings);
            let (rows, are_sound) = manifest_rows::of_set(file, &table, version, name, findings);
            if let Some(first) = manifest.sets.iter().find(|set| set.name == name) {
                let message = format!(
                    "this is the second table of the set; the first is in line {}",
                    first.at.line
                );
                let help = "keep one table per set";
                findings.push(Finding::new(Code::Set, &at, message, help).of_set(name));
                continue;
            }
            manifest.sets.push(Set {
                name: name.to_owned(),
                rust: rust.to_owned(),
                at,
                rows,
                is_sound: table.is_sound && are_sound,
            });
        } else if marker.contains("promised-names") {
            has_names = true;
            if line.trim() != NAMES_MARKER {
                findings.push(malformed_marker(&at, NAMES_MARKER));
                manifest.is_whole = false;
                continue;
            }
            let table = manifest_table::find(&lines, index, NAME_COLUMNS, &at, findings);
            if let Some(first) = names_at.replace(at.clone()) {
                let message = format!(
                    "this is the second table of promised names; the first is in line {}",
                    first.line
                );
                findings.push(Finding::new(Code::Syntax, &at, message, "keep them in one table"));
                continue;
            }
            manifest.names = manifest_rows::of_names(file, &table, version, findings);
            manifest.is_whole &= table.is_sound;
        }
    }
    if !has_names {
        manifest.is_whole = false;
        let message = "the table of promised names is missing";
        let help = format!(
            "put `{NAMES_MARKER}` above a table with the columns {}",
            NAME_COLUMNS.join(", ")
        );
        findings.push(Finding::new(Code::Syntax, &Place::start_of(file), message, help));
    }
    manifest
}

fn malformed_marker(at: &Place, example: &str) -> Finding {
    let message = "this marker is malformed, so the table below it would be ignored";
    Finding::new(
        Code::Syntax,
        at,
        message,
        format!("write it alone on its line, like `{example}`"),
    )
}

/// The PostgreSQL name and the Rust name in a set's marker.
fn read_set_marker(marker: &str) -> Option<(&str, &str)> {
    let inside = marker.strip_prefix("<!-- closed-set: ")?.strip_suffix(" -->")?;
    let (name, rust) = inside.split_once(" rust=")?;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_word(name) && is_word(rust)).then_some((name, rust))
}
