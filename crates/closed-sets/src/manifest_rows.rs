//! Reads the rows of the manifest's tables. A cell that is not understood is a finding at the cell.

use std::sync::Arc;

use crate::code::Code;
use crate::finding::Finding;
use crate::label_length;
use crate::manifest::{Name, Row};
use crate::manifest_table::Table;
use crate::markdown::{self, Cell};
use crate::place::{Place, Word};
use crate::version::Version;

/// The kinds of promised names.
const KINDS: &[&str] = &["table", "index", "trigger", "function", "sqlstate"];

/// The rows of a set, and whether all of them were understood.
pub(crate) fn of_set(
    file: &Arc<str>,
    table: &Table,
    version: Version,
    set: &str,
    findings: &mut Vec<Finding>,
) -> (Vec<Row>, bool) {
    let mut rows: Vec<Row> = Vec::new();
    let mut is_sound = true;
    let mut position = 0;
    // Report only the first wrong number: it shifts those below.
    let mut is_numbered = table.is_sound;
    for (line, cells) in &table.rows {
        let mut reader = RowReader::new(file, *line, cells, version);
        let (label, variant) = (reader.word(1), reader.word(2));
        let (since, deprecated, removed) = (reader.since(3), reader.version(4), reader.version(5));
        let meaning = reader.filled(6);
        reader.check_order(since, deprecated, removed);
        let expected = match removed {
            Some(_) => None,
            None => {
                position += 1;
                Some(position)
            }
        };
        is_numbered = is_numbered && reader.check_number(expected);
        reader.check_label(&label);
        reader.check_new("label", &label, rows.iter().map(|row| &row.label));
        reader.check_new("variant", &variant, rows.iter().map(|row| &row.variant));
        is_sound &= reader.is_sound;
        let is_doubled = reader.refused.iter().any(|finding| finding.code == Code::Doubled);
        findings.extend(reader.refused.into_iter().map(|finding| finding.of_set(set)));
        if !is_doubled {
            rows.push(Row {
                label,
                variant,
                since: since.unwrap_or(version),
                deprecated,
                removed,
                meaning,
            });
        }
    }
    (rows, is_sound)
}

pub(crate) fn of_names(file: &Arc<str>, table: &Table, version: Version, findings: &mut Vec<Finding>) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for (line, cells) in &table.rows {
        let mut reader = RowReader::new(file, *line, cells, version);
        let (kind, name) = (reader.text(0).to_owned(), reader.word(1));
        let (since, removed) = (reader.since(2), reader.version(3));
        let meaning = reader.filled(4);
        if !KINDS.contains(&kind.as_str()) {
            let help = format!("write one of {}", KINDS.join(", "));
            reader.refuse(
                0,
                Code::Syntax,
                format!("`{}` is not a kind of promised name", kind.escape_debug()),
                &help,
            );
        }
        if let (Some(since), Some(removed)) = (since, removed)
            && removed <= since
        {
            reader.refuse_contradiction(3, format!("removed in {removed}, but added in {since}"));
        }
        reader.check_new("name", &name, names.iter().map(|name| &name.name));
        findings.append(&mut reader.refused);
        names.push(Name {
            kind,
            name,
            since: since.unwrap_or(version),
            removed,
            meaning,
        });
    }
    names
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "-" | "–" | "—")
}

/// Reads one row and collects its findings.
struct RowReader<'a> {
    file: &'a Arc<str>,
    line: usize,
    cells: &'a [Cell],
    version: Version,
    refused: Vec<Finding>,
    /// Whether label and variant were understood. Wrong numbers and most wrong versions do not matter.
    is_sound: bool,
}

impl<'a> RowReader<'a> {
    fn new(file: &'a Arc<str>, line: usize, cells: &'a [Cell], version: Version) -> RowReader<'a> {
        RowReader {
            file,
            line,
            cells,
            version,
            refused: Vec::new(),
            is_sound: true,
        }
    }

    fn text(&self, column: usize) -> &str {
        self.cells
            .get(column)
            .map(|cell| cell.text.as_str())
            .unwrap_or_default()
    }

    fn at(&self, column: usize) -> Place {
        let column = self.cells.get(column).map_or(1, |cell| cell.column);
        Place::new(self.file, self.line, column)
    }

    fn refuse(&mut self, column: usize, code: Code, message: String, help: &str) {
        self.refused.push(Finding::new(code, &self.at(column), message, help));
    }

    fn filled(&mut self, column: usize) -> String {
        if self.text(column).is_empty() {
            self.refuse_empty(column);
        }
        self.text(column).to_owned()
    }

    fn refuse_empty(&mut self, column: usize) {
        let help = "fill it in; write `–` for no version";
        self.refuse(column, Code::Syntax, "this cell is empty".to_owned(), help);
        self.is_sound = false;
    }

    fn word(&mut self, column: usize) -> Word {
        let cell = self.cells.get(column).map(markdown::word);
        let (text, start) = cell.map(|cell| (cell.text, cell.column)).unwrap_or_default();
        if text.is_empty() {
            self.refuse_empty(column);
        }
        Word {
            text,
            at: Place::new(self.file, self.line, start),
        }
    }

    fn since(&mut self, column: usize) -> Option<Version> {
        if is_nothing(self.text(column)) {
            let help = "write the version that added it";
            self.refuse(
                column,
                Code::Version,
                "the version in `Since` is missing".to_owned(),
                help,
            );
            return None;
        }
        self.version(column)
    }

    fn version(&mut self, column: usize) -> Option<Version> {
        let text = self.filled(column);
        if text.is_empty() || is_nothing(&text) {
            return None;
        }
        let Some(version) = Version::parse(&text) else {
            let message = format!("`{}` is not a version", text.escape_debug());
            self.refuse(
                column,
                Code::Version,
                message,
                "write three numbers, such as 0.1.0, or `–` for none",
            );
            self.is_sound = false;
            return None;
        };
        if version > self.version {
            let message = format!("{version} is newer than the crate's version {}", self.version);
            self.refuse(
                column,
                Code::Version,
                message,
                "raise `version` in Cargo.toml or correct this cell",
            );
        }
        Some(version)
    }

    fn check_order(&mut self, since: Option<Version>, deprecated: Option<Version>, removed: Option<Version>) {
        if let (Some(since), Some(deprecated)) = (since, deprecated)
            && deprecated < since
        {
            self.refuse_contradiction(4, format!("deprecated in {deprecated}, but added in {since}"));
        }
        match (removed, deprecated) {
            (Some(removed), None) => {
                self.refuse_contradiction(4, format!("removed in {removed} without having been deprecated"));
            }
            (Some(removed), Some(deprecated)) if removed <= deprecated => {
                self.refuse_contradiction(5, format!("removed in {removed}, but deprecated in {deprecated}"));
            }
            _ => {}
        }
    }

    fn refuse_contradiction(&mut self, column: usize, message: String) {
        let help = "correct the versions; a value is added, deprecated for at least one release, then removed";
        self.refuse(column, Code::Contradiction, message, help);
    }

    /// Whether the first cell is the position in the PostgreSQL type. A removed value has no position.
    fn check_number(&mut self, expected: Option<usize>) -> bool {
        let found = self.text(0);
        let (is_right, message, help) = match expected {
            None => (
                is_nothing(found),
                format!(
                    "a removed value has no position, but this row has `{}`",
                    found.escape_debug()
                ),
                "write `–`".to_owned(),
            ),
            Some(expected) => (
                found == expected.to_string(),
                format!(
                    "this row is numbered `{}`, but its position is {expected}",
                    found.escape_debug()
                ),
                format!("write {expected} and renumber the rows below; a removed value has `–`"),
            ),
        };
        if !is_right {
            self.refuse(0, Code::Syntax, message, &help);
        }
        is_right
    }

    fn check_label(&mut self, label: &Word) {
        self.refused.extend(label_length::check(label));
    }

    fn check_new<'w>(&mut self, kind: &str, word: &Word, mut earlier: impl Iterator<Item = &'w Word>) {
        if let Some(first) = earlier.find(|earlier| earlier.text == word.text) {
            let text = word.text.escape_debug();
            let message = format!(
                "{kind} `{text}` is listed twice; the first is in line {}",
                first.at.line
            );
            let help = "keep one row; a removed value keeps its row, and its label and variant are never used again";
            self.refused.push(Finding::new(Code::Doubled, &word.at, message, help));
        }
    }
}
