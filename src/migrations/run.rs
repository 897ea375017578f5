//! Applying the pending migrations.

use diesel::prelude::*;

use super::failure::{Task, with_missing_rights};
use super::{apply, list, lock};
use crate::error::Result;

/// Applies the pending migrations, and returns the versions that this call applied, oldest first.
///
/// The objects are created in the first schema of `search_path`. The versions are recorded in Diesel's
/// `__diesel_schema_migrations` of that schema, beside those of your application.
///
/// Every process can call it at start: processes wait for each other, and one of them applies each migration. If none is
/// pending, it only reads the versions, so a role with the [`grants`](super::grants()) can call it.
///
/// Each migration is a transaction. Inside a transaction of yours it is a savepoint, and other processes that migrate wait for
/// the end of your transaction.
///
/// # Errors
/// - [`Error::Migration`](crate::Error::Migration): it names the rights that the role lacks, if any; the migrations before the
///   failed one stay applied
/// - [`Error::SerializationFailure`](crate::Error::SerializationFailure): your transaction is REPEATABLE READ and began before
///   another process applied the migrations; run it again
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    for migration in list::pending(conn)? {
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
