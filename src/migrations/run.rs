//! Applying the pending migrations.

use diesel::prelude::*;

use super::failure::{Task, with_missing_rights};
use super::files::MigrationFiles;
use super::{apply, list, lock};
use crate::error::Result;

/// Applies the pending migrations, and returns the versions that this call applied, oldest first.
///
/// The objects are created in the first schema of `search_path`. The versions are recorded in Diesel's
/// `__diesel_schema_migrations` of that schema, beside those of your application. If `search_path` finds the enum types in
/// another schema, the tables use these, and no types are created (see [the module](super#several-schemas)).
///
/// Every process can call it at start: processes wait for each other, and one of them applies each migration. If none is
/// pending, it only reads the versions, so every role of [`roles`](crate::roles) can call it.
///
/// Each migration is a transaction. Inside a transaction of yours it is a savepoint, and other processes that migrate wait for
/// the end of your transaction.
///
/// # Errors
/// - [`Error::Migration`](crate::Error::Migration): it names the rights that the role lacks, if any; the migrations before the
///   failed one stay applied. Also if `search_path` finds enum types in another schema that are not those of this release:
///   then nothing is created; call [`run_types`] first
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is REPEATABLE READ and began before
///   another process applied the migrations; run it again
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>> {
    apply_pending(conn, |_| true)
}

/// Applies only the pending migrations of the enum types, for schemas that share them (see [the module](super#several-schemas)).
/// Returns the versions that this call applied, oldest first.
///
/// The types are created or changed in the first schema of `search_path`, and the versions are recorded there. A later [`run`]
/// in that schema creates the tables as well.
///
/// # Errors
/// As [`run`].
pub fn run_types(conn: &mut PgConnection) -> Result<Vec<String>> {
    apply_pending(conn, |migration| migration.is_of_types)
}

fn apply_pending(conn: &mut PgConnection, is_wanted: impl Fn(&MigrationFiles) -> bool) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    for migration in list::pending(conn)? {
        if !is_wanted(migration) {
            continue;
        }
        let outcome = lock::with_migration_lock(conn, |conn| {
            apply::prepare(conn, migration)?;
            apply::apply(conn, migration)
        });
        if outcome.map_err(|error| with_missing_rights(conn, Task::Apply, error))? {
            applied.push(migration.version.to_owned());
        }
    }
    Ok(applied)
}
