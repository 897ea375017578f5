//! `api_stability.md` as data: a table for each closed set, and one of promised names, each found by the marker above it.

use super::finding::{Code, Finding, Place};
use super::markdown::{self, Cell};
use super::rows;
use super::version::Version;

pub(crate) const FILE: &str = "api_stability.md";

pub(crate) const SET_COLUMNS: &[&str] = &["#", "Label", "Variant", "Since", "Deprecated", "Removed", "Meaning"];
pub(crate) const NAME_COLUMNS: &[&str] = &["Kind", "Name", "Since", "Removed", "What it is"];

const NAMES_MARKER: &str = "<!-- promised-names -->";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: Place,
}

#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) sets: Vec<Set>,
    pub(crate) names: Vec<Name>,
    /// Whether every marker and the table of names were understood: only then is what isn't here gone.
    pub(crate) is_whole: bool,
}

#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) at: Place,
    /// In the table's order, the tombstones among them.
    pub(crate) rows: Vec<Row>,
    /// Whether every row was understood; only then can the set be compared with anything.
    pub(crate) is_sound: bool,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: Word,
    pub(crate) variant: Word,
    pub(crate) since: Version,
    pub(crate) deprecated: Option<Version>,
    pub(crate) removed: Option<Version>,
    pub(crate) meaning: String,
}

/// A name that is not a set's: of a table, an index, a trigger, a SQLSTATE.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) kind: String,
    pub(crate) name: Word,
    pub(crate) since: Version,
    pub(crate) removed: Option<Version>,
    pub(crate) meaning: String,
}

impl Set {
    pub(crate) fn live(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.removed.is_none())
    }
}

/// A table under its marker: where its rows are, and their cells.
pub(crate) struct Table {
    pub(crate) rows: Vec<(usize, Vec<Cell>)>,
    pub(crate) is_sound: bool,
}

/// Reads the manifest; `version` is the crate's own.
pub(crate) fn parse(text: &str, version: Version, findings: &mut Vec<Finding>) -> Manifest {
    let lines = markdown::prose(text);
    let mut manifest = Manifest {
        is_whole: true,
        ..Manifest::default()
    };
    let mut names_at: Option<Place> = None;
    let mut has_names = false;
    for (index, &(number, line)) in lines.iter().enumerate() {
        if !line.contains("<!--") {
            continue;
        }
        let marker = line.trim().to_ascii_lowercase();
        let at = Place::new(FILE, number, column_of(line));
        if marker.contains("closed-set") {
            let Some((name, rust)) = read_set_marker(line.trim()) else {
                findings.push(malformed_marker(&at, &set_marker("mailglass_stream", "Stream")));
                manifest.is_whole = false;
                continue;
            };
            let table = table(&lines, index, SET_COLUMNS, &at, findings);
            let (rows, are_sound) = rows::of_set(&table, version, name, findings);
            if let Some(first) = manifest.sets.iter().find(|it| it.name == name) {
                let what = format!("has a second table; the first is in line {}", first.at.line);
                let help = "keep one table a set";
                findings.push(Finding::new(Code::Set, &at, what, help).of_set(name));
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
            let table = table(&lines, index, NAME_COLUMNS, &at, findings);
            if let Some(first) = names_at.replace(at.clone()) {
                let what = format!(
                    "there is a second table of promised names; the first is in line {}",
                    first.line
                );
                findings.push(Finding::new(Code::Syntax, &at, what, "keep them in one table"));
                continue;
            }
            manifest.names = rows::of_names(&table, version, findings);
            manifest.is_whole &= table.is_sound;
        }
    }
    if !has_names {
        manifest.is_whole = false;
        let what = "there is no table of promised names";
        let help = format!(
            "put `{NAMES_MARKER}` above a table with the columns {}",
            NAME_COLUMNS.join(", ")
        );
        findings.push(Finding::new(Code::Syntax, &Place::start_of(FILE), what, help));
    }
    manifest
}

fn malformed_marker(at: &Place, example: &str) -> Finding {
    let what = "this marker is malformed, so the table below it would be nobody's";
    Finding::new(
        Code::Syntax,
        at,
        what,
        format!("write it alone on its line, like `{example}`"),
    )
}

/// What marks the table of a set.
pub(crate) fn set_marker(set: &str, rust: &str) -> String {
    format!("<!-- closed-set: {set} rust={rust} -->")
}

/// The Postgres name and the Rust name in a set's marker.
fn read_set_marker(marker: &str) -> Option<(&str, &str)> {
    let inside = marker.strip_prefix("<!-- closed-set: ")?.strip_suffix(" -->")?;
    let (name, rust) = inside.split_once(" rust=")?;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_word(name) && is_word(rust)).then_some((name, rust))
}

/// The table below a marker, with nothing but blank lines between the two. A table ends at a blank line.
fn table(lines: &[(usize, &str)], marker: usize, columns: &[&str], at: &Place, findings: &mut Vec<Finding>) -> Table {
    let mut is_sound = true;
    let mut refuse = |at: Place, what: String, help: String| {
        is_sound = false;
        findings.push(Finding::new(Code::Syntax, &at, what, help));
    };
    let mut rest = lines[marker + 1..]
        .iter()
        .skip_while(|(_, line)| line.trim().is_empty());
    let header = format!("| {} |", columns.join(" | "));
    let mut previous: Option<usize> = None;
    let mut rows = Vec::new();
    for (index, &(number, line)) in rest.by_ref().enumerate() {
        // A fenced block in between has no lines here, and ends a table like a blank line.
        if line.trim().is_empty() || previous.is_some_and(|it| it + 1 != number) {
            break;
        }
        previous = Some(number);
        let here = Place::new(FILE, number, column_of(line));
        let cells = markdown::cells(line);
        if markdown::is_indented_code(line) {
            let help = "take the blank before it away".to_owned();
            refuse(
                here,
                "Markdown reads this line as code, because it is indented".to_owned(),
                help,
            );
        } else if index == 0 {
            let found: Vec<&str> = cells.iter().map(|it| it.text.as_str()).collect();
            if line.trim_start().starts_with("# ") {
                let what = "Markdown reads this line as a heading".to_owned();
                refuse(here, what, format!("write the outer pipes: `{header}`"));
            } else if found != columns {
                let what = "this is not the head of the table that the marker announces".to_owned();
                refuse(here, what, format!("write `{header}` below the marker"));
                break;
            }
        } else if index == 1 {
            if cells.len() != columns.len() || !cells.iter().all(|it| is_rule(&it.text)) {
                let what = "this is not the rule below a table's head".to_owned();
                refuse(here, what, format!("write `|{}` here", "---|".repeat(columns.len())));
            }
        } else if cells.len() != columns.len() {
            let what = format!("this row does not have {} cells, but {}", columns.len(), cells.len());
            let help =
                "end a table with a blank line, write `–` in a cell that has nothing to say, and `\\|` for a pipe";
            refuse(here, what, help.to_owned());
        } else {
            rows.push((number, cells));
        }
    }
    if previous.is_none() {
        refuse(
            at.clone(),
            "there is no table below this marker".to_owned(),
            format!("write `{header}` below it"),
        );
    }
    Table { rows, is_sound }
}

fn is_rule(cell: &str) -> bool {
    let inner = cell.strip_prefix(':').unwrap_or(cell);
    let inner = inner.strip_suffix(':').unwrap_or(inner);
    !inner.is_empty() && inner.bytes().all(|it| it == b'-')
}

fn column_of(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count() + 1
}
