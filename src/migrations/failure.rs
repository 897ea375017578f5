//! Why migrations can't be applied or reverted, in words for the one who has to do something about it.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text};

use super::MigrationFiles;
use crate::contract::tables;
use crate::error::{Error, Result};

/// What Postgres refused, and the rights that the role lacks.
#[derive(Debug, thiserror::Error)]
#[error("{}{source}{}", before(migration), needed(role, missing))]
struct Failed {
    migration: Option<&'static MigrationFiles>,
    role: String,
    missing: Vec<String>,
    source: DieselError,
}

fn before(migration: &Option<&MigrationFiles>) -> String {
    migration.map_or(String::new(), |files| format!("{}_{}: ", files.version, files.name))
}

fn needed(role: &str, missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    format!("; role {role} lacks {}", missing.join(", "))
}

/// A right to read that is missing before anything was tried.
#[derive(Debug, thiserror::Error)]
#[error("role {role} lacks SELECT on table {table}, which has the versions that are applied")]
pub(super) struct Unreadable {
    pub(super) role: String,
    pub(super) table: String,
}

/// What else there is to say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) String);

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Migration(Box::new(refused))
    }
}

/// What is to be done, and so which rights it takes.
#[derive(Clone, Copy)]
pub(super) enum Task {
    Apply,
    Revert,
    Redo,
}

impl Task {
    fn rights_on_versions(self) -> &'static [&'static str] {
        match self {
            Task::Apply => &["SELECT", "INSERT"],
            Task::Revert => &["SELECT", "DELETE"],
            Task::Redo => &["SELECT", "INSERT", "DELETE"],
        }
    }

    fn creates(self) -> bool {
        !matches!(self, Task::Revert)
    }
}

/// Says which migration failed. What has a type of its own keeps it.
pub(super) fn of(migration: &'static MigrationFiles, error: DieselError) -> Error {
    match Error::from(error) {
        Error::Database(source) => Error::Migration(Box::new(Failed {
            migration: Some(migration),
            role: String::new(),
            missing: Vec::new(),
            source,
        })),
        known => known,
    }
}

/// Adds the rights that the role lacks, after the transaction that failed has been rolled back. They are asked of the catalogs:
/// Diesel drops the SQLSTATE, and messages are translated.
pub(super) fn explain(conn: &mut PgConnection, task: Task, error: Error) -> Error {
    let mut failed = match error {
        Error::Migration(source) => match source.downcast::<Failed>() {
            Ok(failed) => failed,
            Err(other) => return Error::Migration(other),
        },
        Error::Database(source @ DieselError::DatabaseError(..)) => Box::new(Failed {
            migration: None,
            role: String::new(),
            missing: Vec::new(),
            source,
        }),
        other => return other,
    };
    // A connection that broke has no answer, and what broke it is the error to report.
    let missing = missing_rights(conn, task).unwrap_or_default();
    if let Some(first) = missing.first() {
        failed.role.clone_from(&first.role);
    }
    failed.missing = missing.into_iter().map(|missing| missing.name).collect();
    match *failed {
        Failed {
            migration: None,
            missing,
            source,
            ..
        } if missing.is_empty() => Error::Database(source),
        failed => Error::Migration(Box::new(failed)),
    }
}

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    name: String,
}

fn missing_rights(conn: &mut PgConnection, task: Task) -> Result<Vec<Missing>> {
    Ok(sql_query(include_str!("../sql/migrations/missing_rights.sql"))
        .bind::<Bool, _>(task.creates())
        .bind::<Array<Text>, _>(task.rights_on_versions())
        .bind::<Array<Text>, _>(tables().collect::<Vec<_>>())
        .load(conn)?)
}
