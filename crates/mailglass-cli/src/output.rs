//! Results on standard output: tables with color on a terminal, tab-separated lines in a pipe, or JSON.

mod cell;
mod color;
mod count;
mod row;

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, ContentArrangement};
use serde::Serialize;

use crate::failure::Failure;
use cell::clean;

pub(crate) use cell::{Cell, Tone, or_empty, time};
pub(crate) use color::Color;
pub(crate) use count::count;
pub(crate) use row::row;

pub(crate) struct Output {
    format: Format,
    /// The reader closed the pipe, as in `mailglass stats | head -1`. The command still finishes its work.
    is_closed: bool,
    is_first: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Json,
    Table,
    Plain,
}

/// On a terminal narrower than this, the terminal wraps the lines.
const NARROWEST: u16 = 60;

impl Output {
    pub(crate) fn new(is_json: bool, color: Color) -> Self {
        color.apply();
        let format = match (is_json, std::io::stdout().is_terminal()) {
            (true, _) => Format::Json,
            (false, true) => Format::Table,
            (false, false) => Format::Plain,
        };
        Output {
            format,
            is_closed: false,
            is_first: true,
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes the whole result as one JSON document.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(unwritable)?;
        self.write(&text)
    }

    /// Writes one of several results as a line of JSON.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(object).map_err(unwritable)?;
        self.write(&text)
    }

    /// Writes a table. The title is shown only on a terminal.
    pub(crate) fn table<const COLUMNS: usize>(
        &mut self,
        title: &str,
        header: [&str; COLUMNS],
        rows: Vec<[Cell; COLUMNS]>,
    ) -> Result<(), Failure> {
        let gap = if self.is_first { "" } else { "\n" };
        self.is_first = false;
        if self.format == Format::Plain {
            let rows = rows
                .iter()
                .map(|row| row.each_ref().map(|cell| cell.text.as_str()).join("\t"));
            let lines: Vec<String> = std::iter::once(header.join("\t")).chain(rows).collect();
            return self.write(&format!("{gap}{}", lines.join("\n")));
        }
        let mut table = comfy_table::Table::new();
        // anstream strips the color again if the output has none.
        table
            .load_style(UTF8_FULL_CONDENSED)
            .enforce_styling()
            .set_header(header.map(|name| comfy_table::Cell::new(name).add_attribute(Attribute::Bold)));
        // Some terminals report no width, and some are too narrow for a table.
        if table.width().is_some_and(|width| width >= NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        for row in rows {
            table.add_row(row.map(|cell| {
                let styled = comfy_table::Cell::new(cell.text);
                match cell.tone {
                    Tone::Neutral => styled,
                    Tone::Good => styled.fg(comfy_table::Color::Green),
                    Tone::Warning => styled.fg(comfy_table::Color::Yellow),
                    Tone::Bad => styled.fg(comfy_table::Color::Red),
                }
            }));
        }
        self.write(&format!("{gap}{title}\n{table}"))
    }

    /// Writes a unified diff.
    pub(crate) fn diff(&mut self, diff: &str) -> Result<(), Failure> {
        let line = |line: &str| {
            let color = match line.as_bytes().first() {
                Some(b'+') => Some(AnsiColor::Green),
                Some(b'-') => Some(AnsiColor::Red),
                Some(b'@') => Some(AnsiColor::Cyan),
                _ => None,
            };
            let style = Style::new().fg_color(color.map(Into::into));
            format!("{style}{}{style:#}", clean(line))
        };
        self.is_first = false;
        self.write(&diff.lines().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// Writes a line of the result.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.write(line)
    }

    /// Writes a remark to standard error. JSON output has no remarks, because the document is complete.
    pub(crate) fn note(&self, note: &str) {
        if !self.is_json() {
            let _ = writeln!(anstream::stderr(), "{note}");
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        let mut stdout = anstream::stdout().lock();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            written => written.map_err(unwritable),
        }
    }
}

fn unwritable(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("can't write the output: {error}"))
}
