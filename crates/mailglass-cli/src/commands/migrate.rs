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
Apply the pending migrations.

The migrations are embedded in this program. They create the tables in the first schema of search_path, and record their \
versions in Diesel's __diesel_schema_migrations, which the application's own migrations can share. Each migration is a \
transaction. Several processes can migrate at the same time: they wait for each other. If nothing is pending, the rights of \
`mailglass grant` are sufficient.";

const AFTER: &str = "\
Examples:
  mailglass migrate --list
  mailglass migrate
  mailglass migrate --revert-to 20261121231504
  mailglass migrate --revert-to 0 --yes-drop-data     # removes all of mailglass";

/// Apply, list or revert the migrations.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Migrate {
    /// Only list the migrations and whether they are applied.
    #[arg(long, conflicts_with_all = ["redo", "revert_to", "yes_drop_data"])]
    list: bool,

    /// Revert the last migration and apply it again, in one transaction.
    #[arg(long, conflicts_with = "revert_to")]
    redo: bool,

    /// Revert the migrations after this version in one transaction; 0 reverts all.
    #[arg(long, value_name = "VERSION")]
    revert_to: Option<String>,

    /// Allow --redo and --revert-to to drop tables that have rows, and --revert-to to remove the guard of a ledger that
    /// has rows. Without it, they refuse.
    #[arg(long)]
    yes_drop_data: bool,
}

impl Migrate {
    pub(crate) fn run(self, database: &DatabaseOptions, output: &mut Output) -> Result<ExitCode, Failure> {
        if self.yes_drop_data && !self.redo && self.revert_to.is_none() {
            return Err(Failure::new(Kind::Usage, "--yes-drop-data needs --redo or --revert-to"));
        }
        let mut connection = database.connect()?;
        let listed = connection.run(migrations::list)?;
        if self.list {
            return list(&listed, output);
        }
        // Each migration or revert is a transaction, so an interrupt waits for the end of the call.
        interrupt::work_in_steps();
        let data_loss = if self.yes_drop_data {
            DataLoss::Accept
        } else {
            DataLoss::Reject
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

/// A migration, and what was done with it.
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
        let message = "the tables exist, but no migration of this program is recorded";
        let hint = "if `mailglass migrations export` wrote the migrations, apply your migrations folder instead";
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
    // The folders have hyphens in their dates: 2026-11-21-231501_…
    let version = version.replace('-', "");
    let version = (version != "0").then_some(version.as_str());
    let affected = listed
        .iter()
        .filter(|migration| migration.is_applied && Some(migration.version) > version);
    let affected: Vec<&str> = affected.rev().map(|migration| migration.name).collect();
    if !affected.is_empty() {
        let loss = match data_loss {
            DataLoss::Reject => "unless rows would be lost or unguarded",
            DataLoss::Accept => "dropping the rows of their tables",
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
