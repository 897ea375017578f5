//! `mailglass docs`.

mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::connection::{Connection, DatabaseOptions};
use crate::diagnosis;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Cell, Output, Tone};
use crate::schema_docs::model::Docs as SchemaDocs;
use crate::schema_docs::{self, MissingNote, ReadError, Selection};
use files::{Rendered, State};

const LONG: &str = "\
Write the docs of a database's schema: README.md for a code host, index.html for a browser (one file that loads nothing), \
schema.json for programs, with its JSON Schema, and schema.dbml.

The docs describe what is in the catalogs: tables, columns, constraints, indexes, triggers, functions, types, views and every \
COMMENT. For mailglass's own tables they add the meaning of each label, who writes a column and whether it can change, references \
without a foreign key, and how events change a delivery. Partitions are listed with their table. The same schema always gives \
the same bytes, whatever the server's version.

With --check, nothing is written. The exit code is 1 if a file is not current, with a diff, or if something has no note. A note \
is a COMMENT. A label has no COMMENT of its own; its note is a line `label: …` in the comment of its type.";

const AFTER: &str = "\
Examples:
  mailglass docs --scratch                            # the tables of this release
  mailglass docs --tables 'mailglass_*,orders,billing.*' --out docs/database
  mailglass docs --check                              # in CI";

/// Write the docs of a schema, or check that they are current.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Docs {
    /// The folder for the files.
    #[arg(long, value_name = "DIR", default_value = "docs/schema")]
    out: PathBuf,

    /// The tables and views, as names or patterns with * and ?, separated by commas.
    ///
    /// A pattern with a dot matches `schema.name`. A pattern without one matches the names that search_path finds.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',', default_value = OURS)]
    tables: Vec<String>,

    /// The title of the docs.
    #[arg(long)]
    title: Option<String>,

    /// Write nothing; fail if a file is stale or something has no note.
    #[arg(long)]
    check: bool,

    /// With --check, ignore missing notes.
    #[arg(long, requires = "check")]
    allow_missing_notes: bool,

    /// Document a new database on a throwaway server instead; ignores DATABASE_URL.
    #[arg(long)]
    scratch: bool,
}

const OURS: &str = "mailglass_*";

#[derive(Serialize)]
struct Report {
    is_current: bool,
    files: Vec<Rendered>,
    missing_notes: Vec<MissingNote>,
}

impl Docs {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        let docs = self.read(database)?;
        let missing_notes = schema_docs::lint(&docs);
        let rendered =
            schema_docs::render(&docs).map_err(|error| Failure::failed(format!("can't write JSON: {error}")))?;
        let mut files = files::compare(&self.out, rendered)?;
        if !self.check {
            // An interrupt leaves either all files or none.
            interrupt::work_in_steps();
            files::write(&self.out, &mut files)?;
        }
        let report = Report {
            is_current: files
                .iter()
                .all(|file| matches!(file.state, State::Current | State::Written)),
            files,
            missing_notes,
        };
        self.show(&report, output)?;
        let has_notes = report.missing_notes.is_empty() || self.allow_missing_notes;
        Ok(if self.check && !(report.is_current && has_notes) {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn read(&self, database: &DatabaseOptions) -> Result<SchemaDocs, Failure> {
        let mut connection = if self.scratch {
            Connection::to_scratch()?
        } else {
            database.connect()?
        };
        let selection = Selection::new(&self.tables);
        let read = connection.run(|conn| match schema_docs::read(conn, &selection, self.title.clone()) {
            Err(ReadError::Database(error)) => Err(error.into()),
            read => Ok(read),
        })?;
        read.map_err(|error| match &error {
            ReadError::NoMatch { patterns } if patterns.iter().any(|pattern| pattern == OURS) => {
                diagnosis::not_migrated()
            }
            ReadError::NoMatch { .. } => Failure::new(Kind::Failed, error.to_string()).hint(
                "a pattern without a dot matches only what search_path finds; for others, give the schema: 'billing.*'",
            ),
            ReadError::Database(_) | ReadError::Unknown(_) => Failure::failed(error.to_string()),
        })
    }

    fn show(&self, report: &Report, output: &mut Output) -> Result<(), Failure> {
        if output.is_json() {
            return output.document(report);
        }
        for file in &report.files {
            if let Some(diff) = &file.diff {
                output.diff(diff)?;
            }
        }
        let row = |file: &Rendered| {
            let tone = match file.state {
                State::Current => Tone::Neutral,
                State::Written => Tone::Good,
                State::Stale | State::Missing => Tone::Bad,
            };
            [
                self.out.join(file.file).display().into(),
                Cell::toned(file.state.as_str(), tone),
            ]
        };
        output.table("Schema docs", ["file", "state"], report.files.iter().map(row).collect())?;
        if !report.missing_notes.is_empty() {
            let row = |note: &MissingNote| [Cell::toned(&note.object, Tone::Warning), note.help.as_str().into()];
            let rows = report.missing_notes.iter().map(row).collect();
            output.table("Missing notes", ["object", "remedy"], rows)?;
        }
        Ok(())
    }
}
