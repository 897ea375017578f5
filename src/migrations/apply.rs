//! Applying or reverting one migration inside the caller's transaction: its statements, and its version in Diesel's table.
//!
//! Diesel's own harness sends a migration as one message, which Citus rejects, and records the version afterwards.

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::prelude::*;

use super::failure;
use super::files::MigrationFiles;
use super::types;
use super::versions::{self, __diesel_schema_migrations, Lookup};
use crate::error::Result;

/// Creates Diesel's table only if it is missing, because creating it needs a right even if it exists.
pub(super) fn prepare(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<()> {
    if !versions::table(conn, Lookup::FirstSchema)?.exists {
        conn.setup().map_err(|error| failure::in_migration(migration, error))?;
    }
    Ok(())
}

/// Whether the migration was applied; `false` if another transaction has applied it.
///
/// A migration of the types executes nothing if `search_path` finds them in another schema.
///
/// The version is recorded first. If another transaction has recorded it, there is nothing to do. If an older snapshot does not
/// show that, Postgres reports a serialization failure.
pub(super) fn apply(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<bool> {
    let recorded = diesel::insert_into(__diesel_schema_migrations::table)
        .values(__diesel_schema_migrations::version.eq(migration.version))
        .on_conflict_do_nothing()
        .execute(conn)
        .map_err(|error| failure::in_migration(migration, error))?;
    if recorded == 0 {
        return Ok(false);
    }
    if migration.is_of_types
        && let Some(shared) = types::shared(conn)?
    {
        types::check(&shared, migration)?;
        return Ok(true);
    }
    execute(conn, migration, migration.up_statements)?;
    Ok(true)
}

pub(super) fn revert(conn: &mut PgConnection, migration: &'static MigrationFiles) -> Result<()> {
    diesel::delete(__diesel_schema_migrations::table.find(migration.version))
        .execute(conn)
        .map_err(|error| failure::in_migration(migration, error))?;
    // DROP TYPE would find the types of the other schema.
    if migration.is_of_types && types::shared(conn)?.is_some() {
        return Ok(());
    }
    execute(conn, migration, migration.down_statements)
}

fn execute(conn: &mut PgConnection, migration: &'static MigrationFiles, statements: &[&str]) -> Result<()> {
    for statement in statements {
        conn.batch_execute(statement)
            .map_err(|error| failure::in_migration(migration, error))?;
    }
    Ok(())
}
