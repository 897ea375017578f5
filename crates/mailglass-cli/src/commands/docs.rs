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
Write the docs of a database's schema: README.md for a code host, index.html to browse (one file, no network), schema.json for \
programs with its JSON Schema beside it, and schema.dbml.

They tell what the catalogs hold (tables, columns, constraints, indexes, triggers, functions, types, views, and every COMMENT) \
and of mailglass's own tables also what only the crate knows: what each label means, who writes a column and whether it may \
change, references without a foreign key, and how events move a delivery. Partitions are listed with their table. The same \
schema gives the same bytes, whatever the server's version.

With --check nothing is written: exit code 1 with a diff where the files are not what they would be, and with what has no note. \
A note is a COMMENT; of a label, which can't have one, a line `label: …` in the comment of its type.";

const AFTER: &str = "\
Examples:
  mailglass docs --scratch                            # of this release's own migrations
  mailglass docs --tables 'mailglass_*,orders,billing.*' --out docs/database
  mailglass docs --check                              # in CI";

/// Write the docs of a schema, or check that they are current.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Docs {
    /// Where the files go.
    #[arg(long, value_name = "DIR", default_value = "docs/schema")]
    out: PathBuf,

    /// The tables and views: names and patterns with * and ?, with commas between.
    ///
    /// With a dot, a pattern goes by schema and name; else by the name of what search_path finds.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',', default_value = OURS)]
    tables: Vec<String>,

    /// The title.
    #[arg(long)]
    title: Option<String>,

    /// Write nothing; fail where the files are stale or something has no note.
    #[arg(long)]
    check: bool,

    /// With --check, let what has no note pass.
    #[arg(long, requires = "check")]
    allow_missing_notes: bool,

    /// Document a throwaway server instead, migrated by this release, whatever DATABASE_URL says.
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
        let rendered = schema_docs::render(&docs).map_err(|error| Failure::failed(format!("can't render: {error}")))?;
        let mut files = files::compare(&self.out, rendered)?;
        if !self.check {
            // All of them or none.
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
                "a pattern without a dot goes by what search_path finds; name the schema of the others: 'billing.*'",
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
            output.table("Without a note", ["object", "what gives it one"], rows)?;
        }
        Ok(())
    }
}
