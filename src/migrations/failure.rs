//! Errors of migrations, with the rights that the role lacks.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text};

use super::files::MigrationFiles;
use crate::contract::tables;
use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

static MISSING_RIGHTS: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["creates", "on_versions", "tables"],
        &[],
        sql!("migrations/missing_rights"),
    )
});

/// An error of Postgres, with the rights that the role lacks.
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

/// The right to read Diesel's table is missing.
#[derive(Debug, thiserror::Error)]
#[error("role {role} lacks SELECT on table {table}, which has the applied versions")]
pub(super) struct Unreadable {
    pub(super) role: String,
    pub(super) table: String,
}

/// Any other reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Rejected(pub(super) String);

impl From<Rejected> for Error {
    fn from(refused: Rejected) -> Self {
        Error::Migration(Box::new(refused))
    }
}

/// The task, which determines the rights that it needs.
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

/// Adds the migration that failed. An error with a type of its own keeps it.
pub(super) fn in_migration(migration: &'static MigrationFiles, error: DieselError) -> Error {
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

/// Adds the rights that the role lacks, after the failed transaction was rolled back. They are read from the catalogs, because
/// Diesel drops the SQLSTATE and messages are translated.
pub(super) fn with_missing_rights(conn: &mut PgConnection, task: Task, error: Error) -> Error {
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
    // If the connection is broken, the first error is the one to report.
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
    Ok(sql_query(MISSING_RIGHTS.as_str())
        .bind::<Bool, _>(task.creates())
        .bind::<Array<Text>, _>(task.rights_on_versions())
        .bind::<Array<Text>, _>(tables().collect::<Vec<_>>())
        .load(conn)?)
}
