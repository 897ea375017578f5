//! Finds the tables that the manifest's markers announce.

use crate::code::Code;
use crate::finding::Finding;
use crate::markdown::{self, Cell};
use crate::place::Place;

/// The rows of a table: line numbers and cells.
pub(crate) struct Table {
    pub(crate) rows: Vec<(usize, Vec<Cell>)>,
    pub(crate) is_sound: bool,
}

/// Finds the table below a marker. Only blank lines may stand between the two, and a blank line ends the table.
pub(crate) fn find(
    lines: &[(usize, &str)],
    marker: usize,
    columns: &[&str],
    at: &Place,
    findings: &mut Vec<Finding>,
) -> Table {
    let mut is_sound = true;
    let mut refuse = |at: Place, message: String, help: String| {
        is_sound = false;
        findings.push(Finding::new(Code::Syntax, &at, message, help));
    };
    let mut rest = lines[marker + 1..]
        .iter()
        .skip_while(|(_, line)| line.trim().is_empty());
    let header = format!("| {} |", columns.join(" | "));
    let mut previous: Option<usize> = None;
    let mut rows = Vec::new();
    for (index, &(number, line)) in rest.by_ref().enumerate() {
        // A fenced block in between has no lines here, and ends a table like a blank line.
        if line.trim().is_empty() || previous.is_some_and(|last| last + 1 != number) {
            break;
        }
        previous = Some(number);
        let here = Place::new(&at.file, number, column_of(line));
        let cells = markdown::cells(line);
        if markdown::is_indented_code(line) {
            let help = "remove the indentation".to_owned();
            refuse(
                here,
                "Markdown reads this line as code because it is indented".to_owned(),
                help,
            );
        } else if index == 0 {
            let found: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
            if line.trim_start().starts_with("# ") {
                let message = "Markdown reads this line as a heading".to_owned();
                refuse(here, message, format!("write the outer pipes: `{header}`"));
            } else if found != columns {
                let message = "this is not the header of the table that the marker announces".to_owned();
                refuse(here, message, format!("write `{header}` below the marker"));
                break;
            }
        } else if index == 1 {
            if cells.len() != columns.len() || !cells.iter().all(|cell| is_rule(&cell.text)) {
                let message = "this is not the delimiter row below a table's header".to_owned();
                refuse(here, message, format!("write `|{}` here", "---|".repeat(columns.len())));
            }
        } else if cells.len() != columns.len() {
            let message = match cells.len() {
                1 => format!("this row has 1 cell instead of {}", columns.len()),
                count => format!("this row has {count} cells instead of {}", columns.len()),
            };
            let help = "end the table with a blank line; write `–` into an empty cell and `\\|` for a pipe";
            refuse(here, message, help.to_owned());
        } else {
            rows.push((number, cells));
        }
    }
    if previous.is_none() {
        refuse(
            at.clone(),
            "this marker has no table below it".to_owned(),
            format!("write `{header}` below it"),
        );
    }
    Table { rows, is_sound }
}

fn is_rule(cell: &str) -> bool {
    let inner = cell.strip_prefix(':').unwrap_or(cell);
    let inner = inner.strip_suffix(':').unwrap_or(inner);
    !inner.is_empty() && inner.bytes().all(|byte| byte == b'-')
}

/// The column of the first character that is not blank.
pub(crate) fn column_of(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count() + 1
}
