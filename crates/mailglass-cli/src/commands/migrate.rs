//! `mailglass migrate`.

use std::process::ExitCode;

use clap::Args;
use mailglass::migrations::{self, DataLoss, FILES, MigrationStatus};
use serde_json::json;

use crate::connection::{Connection, DatabaseOptions};
use crate::diagnosis;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{Cell, Output, Tone};

const LONG: &str = "\
Apply the migrations that are pending.

They are the ones embedded in this program; they land in the schema that search_path puts first. Their versions are kept in \
Diesel's __diesel_schema_migrations, beside the application's own, which stay as they are. Any number of processes may migrate \
at once: they wait for each other. Each migration is a transaction. With nothing pending, the rights of `mailglass grant` are \
enough.";

const AFTER: &str = "\
Examples:
  mailglass migrate --list
  mailglass migrate
  mailglass migrate --revert-to 20261121231504
  mailglass migrate --revert-to 0 --yes-drop-data     # takes all of mailglass away";

/// Apply the migrations, list them, or take them back.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Migrate {
    /// Only list them, and say which are applied.
    #[arg(long, conflicts_with_all = ["redo", "revert_to", "yes_drop_data"])]
    list: bool,

    /// Revert the last one and apply it again, as one transaction.
    #[arg(long, conflicts_with = "revert_to")]
    redo: bool,

    /// Revert those after this version, newest first, as one transaction; 0 reverts them all.
    #[arg(long, value_name = "VERSION")]
    revert_to: Option<String>,

    /// Let --redo and --revert-to drop tables that have rows, which are lost then, and --revert-to take the guard away
    /// from a ledger that has rows. Otherwise they refuse.
    #[arg(long)]
    yes_drop_data: bool,
}

impl Migrate {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        if self.yes_drop_data && !self.redo && self.revert_to.is_none() {
            return Err(Failure::new(
                Kind::Usage,
                "--yes-drop-data is for --redo and --revert-to",
            ));
        }
        let mut connection = database.connect()?;
        let listed = connection.run(migrations::list)?;
        if self.list {
            return list(&listed, output);
        }
        // What Postgres is doing then is one transaction or a few, and each is whole or not at all.
        interrupt::work_in_steps();
        let data_loss = if self.yes_drop_data {
            DataLoss::Accept
        } else {
            DataLoss::Refuse
        };
        let done = if self.redo {
            redo(&mut connection, data_loss)?
        } else if let Some(version) = &self.revert_to {
            revert_to(&mut connection, version, data_loss, &listed, output)?
        } else {
            apply(&mut connection, &listed)?
        };
        show(&done, output)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What was done to a migration.
struct Done {
    version: String,
    what: &'static str,
}

fn list(listed: &[MigrationStatus], output: &mut Output) -> Result<ExitCode, Failure> {
    if output.is_json() {
        output.document(&json!({"migrations": listed}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |migration: &MigrationStatus| {
        let state = if migration.is_applied {
            Cell::toned("applied", Tone::Good)
        } else {
            Cell::toned("pending", Tone::Warning)
        };
        [migration.version.into(), migration.name.into(), state]
    };
    output.table(
        "Migrations",
        ["version", "name", "state"],
        listed.iter().map(row).collect(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn apply(connection: &mut Connection, listed: &[MigrationStatus]) -> Result<Vec<Done>, Failure> {
    let none_is_recorded = listed.iter().all(|migration| !migration.is_applied);
    if none_is_recorded && !connection.run(diagnosis::tables)?.is_empty() {
        let message = "the tables are there, but none of this program's migrations made them";
        let hint = "where they came from `mailglass migrations export`, apply those of your own migrations folder";
        return Err(Failure::failed(message).hint(hint));
    }
    let applied = connection.run(migrations::run)?;
    Ok(all(applied, "applied"))
}

fn redo(connection: &mut Connection, data_loss: DataLoss) -> Result<Vec<Done>, Failure> {
    let redone = connection.run(|conn| migrations::redo(conn, data_loss))?;
    Ok(all(redone, "redone"))
}

fn revert_to(
    connection: &mut Connection,
    version: &str,
    data_loss: DataLoss,
    listed: &[MigrationStatus],
    output: &Output,
) -> Result<Vec<Done>, Failure> {
    // Folders are called 2026-11-21-231501_…
    let version = version.replace('-', "");
    let version = (version != "0").then_some(version.as_str());
    let affected = listed
        .iter()
        .filter(|migration| migration.is_applied && Some(migration.version) > version);
    let affected: Vec<&str> = affected.rev().map(|migration| migration.name).collect();
    if !affected.is_empty() {
        let loss = match data_loss {
            DataLoss::Refuse => "refusing if rows would be lost or unguarded",
            DataLoss::Accept => "and losing the rows of the tables that go",
        };
        output.note(&format!("reverting {}, {loss}", affected.join(", ")));
    }
    let reverted = connection.run(|conn| migrations::revert_to(conn, version, data_loss))?;
    Ok(all(reverted, "reverted"))
}

fn all(versions: impl IntoIterator<Item = String>, what: &'static str) -> Vec<Done> {
    versions.into_iter().map(|version| Done { version, what }).collect()
}

fn show(done: &[Done], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        let of = |what| -> Vec<&str> {
            let of_these = done.iter().filter(|done| done.what == what);
            of_these.map(|done| done.version.as_str()).collect()
        };
        let document = json!({"applied": of("applied"), "reverted": of("reverted"), "redone": of("redone")});
        return output.document(&document);
    }
    if done.is_empty() {
        output.note("nothing to do");
        return Ok(());
    }
    let name = |version: &str| {
        FILES
            .iter()
            .find(|migration| migration.version == version)
            .map_or("", |migration| migration.name)
    };
    let rows = done.iter().map(|done| {
        [
            done.version.as_str().into(),
            name(&done.version).into(),
            Cell::toned(done.what, Tone::Good),
        ]
    });
    output.table("Migrations", ["version", "name", "state"], rows.collect())
}
