//! One migration, applied or reverted: its statements and its version, inside the caller's transaction.
//!
//! Diesel's own harness sends a migration as one message, which Citus refuses, and records it afterwards.

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::failure;
use super::{MigrationFiles, list};
use crate::error::Result;

/// Makes Diesel's table, only if it is missing: that takes the right to create even where there is nothing to create.
pub(super) fn prepare(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<()> {
    if !list::is_there(conn, list::IN_FIRST_SCHEMA)? {
        conn.setup().map_err(|error| failure::of(migration, error))?;
    }
    Ok(())
}

/// Whether it was applied, and not by somebody else before.
///
/// The version comes first: where another transaction recorded it meanwhile, there is nothing to do, and where an older
/// snapshot doesn't show that, Postgres reports a serialization failure.
pub(super) fn apply(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<bool> {
    let recorded = sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(migration.version)
        .execute(conn)
        .map_err(|error| failure::of(migration, error))?;
    if recorded == 0 {
        return Ok(false);
    }
    execute(conn, migration, migration.up_statements)?;
    Ok(true)
}

pub(super) fn revert(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<()> {
    sql_query("DELETE FROM __diesel_schema_migrations WHERE version = $1")
        .bind::<Text, _>(migration.version)
        .execute(conn)
        .map_err(|error| failure::of(migration, error))?;
    execute(conn, migration, migration.down_statements)
}

fn execute(conn: &mut PgConnection, migration: &'static MigrationFiles, statements: &[&str]) -> Result<()> {
    for statement in statements {
        conn.batch_execute(statement)
            .map_err(|error| failure::of(migration, error))?;
    }
    Ok(())
}
