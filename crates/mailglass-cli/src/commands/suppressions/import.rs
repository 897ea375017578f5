//! `mailglass suppressions import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use mailglass::suppressions::{self, Added, NewSuppression, Subject};
use mailglass::{Error, Stream, SuppressionReason, tenancy};
use serde::Serialize;

use super::csv;
use crate::connection::{Connection, DatabaseOptions};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Cell, Output, count};

const LONG: &str = "\
Import suppressions from a file or from standard input: an address a line, or CSV.

If the first line names the columns, the file is CSV. The columns are address (or email), domain, stream, reason, since and until; \
others are ignored. A row has an address or a domain. An empty stream, reason, since or until counts as absent: the suppression is of \
every stream, has the reason of --reason, begins now and is permanent. Times are RFC 3339. Empty lines and lines that begin with # are \
skipped.

Lines are added in batches, each a transaction. Invalid lines are listed with their numbers, and the others are added; the exit code \
is then 5. Import the file again after an interrupt or a correction: what was added stays unchanged.";

const AFTER: &str = "\
Examples:
  mailglass suppressions import acme unsubscribed.txt --reason unsubscribe --stream bulk
  mailglass suppressions import acme --reason hard_bounce < bounces.csv";

/// Import suppressions from a file or standard input.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Import {
    /// The tenant.
    tenant: String,

    /// The file; standard input by default.
    file: Option<PathBuf>,

    /// The reason, unless a row has one.
    #[arg(long, default_value_t = SuppressionReason::Manual)]
    reason: SuppressionReason,

    /// Suppress the addresses only in this stream, unless a row has one.
    #[arg(long)]
    stream: Option<Stream>,

    /// Store only the digests of the addresses.
    #[arg(long)]
    without_address: bool,

    /// Add at most this many suppressions per transaction.
    #[arg(long, value_name = "LINES", default_value_t = 10_000, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
}

/// What an import did.
#[derive(Default, Serialize)]
struct Report {
    added: usize,
    extended: usize,
    unchanged: usize,
    invalid: Vec<InvalidLine>,
}

/// A line that was not imported.
#[derive(Serialize)]
struct InvalidLine {
    line: usize,
    message: String,
}

/// The meaning of the values of a line.
enum Columns {
    /// A line is an address.
    OneAddress,
    Named(Vec<Column>),
}

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Address,
    Domain,
    Stream,
    Reason,
    Since,
    Until,
    Other,
}

impl Columns {
    /// The columns, if the line names them.
    fn named(line: &str) -> Option<Columns> {
        let names = csv::values(line).ok()?;
        let columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
        let is_header = columns
            .iter()
            .any(|column| matches!(column, Column::Address | Column::Domain));
        is_header.then_some(Columns::Named(columns))
    }
}

impl Column {
    fn named(name: &str) -> Column {
        match name.to_ascii_lowercase().as_str() {
            "address" | "email" => Column::Address,
            "domain" => Column::Domain,
            "stream" => Column::Stream,
            "reason" => Column::Reason,
            "since" => Column::Since,
            "until" => Column::Until,
            _ => Column::Other,
        }
    }
}

impl Import {
    pub(super) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<(), Failure> {
        let mut connection = database.connect_to_this_release()?;
        let report = match &self.file {
            Some(path) => {
                let file = File::open(path).map_err(|error| Failure::of_file(path, &error))?;
                self.import(BufReader::new(file), path, &mut connection)?
            }
            None => self.import(io::stdin().lock(), Path::new("standard input"), &mut connection)?,
        };
        if output.is_json() {
            output.document(&report)?;
        } else {
            let Report {
                added,
                extended,
                unchanged,
                invalid,
            } = &report;
            let counts = [*added, *extended, *unchanged, invalid.len()].map(Cell::from);
            output.table("Imported", ["added", "extended", "unchanged", "invalid"], vec![counts])?;
            if !invalid.is_empty() {
                let rows = invalid
                    .iter()
                    .map(|invalid| [invalid.line.into(), invalid.message.as_str().into()]);
                output.table("Invalid lines", ["line", "problem"], rows.collect())?;
            }
        }
        match report.invalid.len() {
            0 => Ok(()),
            lines => Err(
                Failure::failed(format!("{} not imported", count(lines, "line was", "lines were")))
                    .hint("correct them, and import the file again"),
            ),
        }
    }

    fn import(&self, mut lines: impl BufRead, path: &Path, connection: &mut Connection) -> Result<Report, Failure> {
        interrupt::work_in_steps();
        let mut report = Report::default();
        let mut columns = None;
        let mut batch = Vec::new();
        let mut buffer = Vec::new();
        for number in 1.. {
            buffer.clear();
            let read = lines
                .read_until(b'\n', &mut buffer)
                .map_err(|error| Failure::of_file(path, &error))?;
            let is_end = read == 0;
            if !is_end {
                let parsed = match std::str::from_utf8(&buffer) {
                    // A spreadsheet may put a byte order mark before the first line.
                    Ok(line) => self.parse(line.trim_start_matches('\u{feff}').trim(), &mut columns),
                    Err(_) => Err("is not UTF-8".to_owned()),
                };
                match parsed {
                    Ok(Some(new)) => batch.push(new),
                    Ok(None) => {}
                    Err(message) => report.invalid.push(InvalidLine { line: number, message }),
                }
            }
            if batch.len() >= usize::from(self.batch) || is_end {
                self.add(connection, &batch, &mut report)?;
                batch.clear();
                if interrupt::is_requested() && !is_end {
                    let message = format!("interrupted after line {number}");
                    return Err(Failure::new(Kind::Interrupted, message).hint("import the file again"));
                }
            }
            if is_end {
                break;
            }
        }
        Ok(report)
    }

    fn add(&self, connection: &mut Connection, batch: &[NewSuppression], report: &mut Report) -> Result<(), Failure> {
        let added =
            connection.run(|conn| tenancy::scoped(conn, &self.tenant, |conn| suppressions::add(conn, batch)))?;
        for added in added {
            match added {
                Added::Added(_) => report.added += 1,
                Added::Extended(_) => report.extended += 1,
                Added::Unchanged(_) => report.unchanged += 1,
            }
        }
        Ok(())
    }

    /// The suppression of a line; `None` if the line has none.
    fn parse(&self, line: &str, columns: &mut Option<Columns>) -> Result<Option<NewSuppression>, String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let is_first = columns.is_none();
        let named = if is_first { Columns::named(line) } else { None };
        let is_header = named.is_some();
        let columns = columns.get_or_insert_with(|| named.unwrap_or(Columns::OneAddress));
        if is_header {
            return Ok(None);
        }
        let new = match columns {
            Columns::OneAddress => self.suppression(Some(line), None, None, None)?,
            Columns::Named(columns) => self.parse_row(&csv::values(line)?, columns)?,
        };
        match new.validate() {
            Ok(()) => Ok(Some(new)),
            Err(Error::Invalid(invalid)) => Err(invalid.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn parse_row(&self, values: &[String], columns: &[Column]) -> Result<NewSuppression, String> {
        if values.len() > columns.len() {
            return Err(format!(
                "has {}, and the first line names {}",
                count(values.len(), "value", "values"),
                columns.len()
            ));
        }
        let value = |wanted: Column| {
            let found = columns
                .iter()
                .zip(values)
                .find(|(column, value)| **column == wanted && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        };
        let time = |wanted, name| {
            value(wanted)
                .map(|text| {
                    text.parse::<DateTime<Utc>>()
                        .map_err(|_| format!("{name} is not a time of RFC 3339"))
                })
                .transpose()
        };
        let stream = value(Column::Stream).map(str::parse::<Stream>).transpose();
        let reason = value(Column::Reason).map(str::parse::<SuppressionReason>).transpose();
        let (stream, reason) = (
            stream.map_err(|error| error.to_string())?,
            reason.map_err(|error| error.to_string())?,
        );
        let mut new = self.suppression(value(Column::Address), value(Column::Domain), stream, reason)?;
        if let Some(since) = time(Column::Since, "since")? {
            new = new.since(since);
        }
        if let Some(until) = time(Column::Until, "until")? {
            new = new.until(until);
        }
        Ok(new)
    }

    fn suppression(
        &self,
        address: Option<&str>,
        domain: Option<&str>,
        stream: Option<Stream>,
        reason: Option<SuppressionReason>,
    ) -> Result<NewSuppression, String> {
        let subject = match (address, domain) {
            (Some(address), None) => match stream.or(self.stream) {
                Some(stream) => Subject::AddressInStream(address.to_owned(), stream),
                None => Subject::Address(address.to_owned()),
            },
            (None, Some(_)) if stream.is_some() => {
                return Err("has a domain and a stream: only addresses have one".to_owned());
            }
            (None, Some(domain)) => Subject::Domain(domain.to_owned()),
            (Some(_), Some(_)) => return Err("has an address and a domain".to_owned()),
            (None, None) => return Err("has neither an address nor a domain".to_owned()),
        };
        let new = NewSuppression::new(&self.tenant, subject, reason.unwrap_or(self.reason));
        Ok(if self.without_address {
            new.without_address()
        } else {
            new
        })
    }
}
