//! The part of Markdown that the manifest needs: fenced code blocks, and the cells of a table row as GitHub splits them.

/// A cell's text and its first column, in characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) column: usize,
}

/// The lines outside of fenced code blocks, with their numbers from 1.
pub(crate) fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let run = fence_run(line);
        match (fence, run) {
            (None, Some(run)) => fence = Some(run),
            (None, None) => lines.push((number, line)),
            (Some(open), Some(run)) if closes(open, run, line) => fence = None,
            (Some(_), _) => {}
        }
    }
    lines
}

/// The backticks or tildes that open or close a fenced block.
fn fence_run(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(' ');
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let run = &rest[..rest.len() - rest.trim_start_matches(mark).len()];
    // Backticks after backticks are inline code.
    let inline = mark == '`' && rest[run.len()..].contains('`');
    (line.len() - rest.len() <= 3 && run.len() >= 3 && !inline).then_some(run)
}

fn closes(open: &str, run: &str, line: &str) -> bool {
    run.len() >= open.len() && run[..1] == open[..1] && line.trim() == run
}

/// Whether Markdown reads the line as code because of its indentation.
pub(crate) fn is_indented_code(line: &str) -> bool {
    let blank = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    !line.trim().is_empty() && (blank.contains('\t') || blank.len() >= 4)
}

/// Splits a row at its pipes. Outer pipes are optional, and an escaped pipe belongs to its cell.
pub(crate) fn cells(line: &str) -> Vec<Cell> {
    let mut cells = vec![String::new()];
    let mut starts = vec![1];
    let mut escaped = false;
    for (column, c) in (1..).zip(line.chars()) {
        if c == '|' && !escaped {
            cells.push(String::new());
            starts.push(column + 1);
            continue;
        }
        if let Some(cell) = cells.last_mut() {
            if c == '|' {
                cell.pop(); // its backslash
            }
            cell.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    let mut cells: Vec<Cell> = cells
        .into_iter()
        .zip(starts)
        .map(|(text, start)| {
            let blank = text.chars().take_while(|c| c.is_whitespace()).count();
            let column = start + if text.trim().is_empty() { 0 } else { blank };
            Cell {
                text: text.trim().to_owned(),
                column,
            }
        })
        .collect();
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.text.is_empty()) {
        cells.pop();
    }
    if cells.len() > 1 && cells.first().is_some_and(|cell| cell.text.is_empty()) {
        cells.remove(0);
    }
    cells
}

/// The word of a cell as it is displayed: code without its backticks, other text without its backslashes.
pub(crate) fn word(cell: &Cell) -> Cell {
    let code = cell.text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    match code {
        Some(code) => Cell {
            text: code.to_owned(),
            column: cell.column + 1,
        },
        None => Cell {
            text: unescape(&cell.text),
            column: cell.column,
        },
    }
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut unescaped = String::new();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => unescaped.extend(chars.next()),
            _ => unescaped.push(c),
        }
    }
    unescaped
}
