//! The migrations, embedded: they need no files at run time.
//!
//! [`run`] applies them and [`list`] says which are applied. [`revert_to`] and [`redo`] take them back, [`grants`] has what the
//! application's role needs, and [`FILES`] has their text for those who would rather keep it among migrations of their own.

mod apply;
mod failure;
mod files;
mod grants;
mod list;
mod lock;
mod revert;

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use files::{FILES, MigrationFiles};
pub use grants::grants;
pub use list::{MigrationStatus, list};
pub use revert::{DataLoss, redo, revert_to};

use crate::error::Result;
use failure::{Task, explain};

/// The migrations, for a [`MigrationHarness`](diesel_migrations::MigrationHarness) of your own. It sends each as one message,
/// which Citus refuses; [`run`] sends one statement at a time.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Applies the migrations that are pending and returns the versions of those that this call applied, oldest first. The objects
/// land in the schema that `search_path` puts first. The versions are kept in Diesel's own `__diesel_schema_migrations` there,
/// beside your application's.
///
/// Safe to call from every process at start: they wait for each other, and each migration is applied by one of them. If none is
/// pending, it only reads the versions, so a role with the [`grants`] can call it.
///
/// Each migration is a transaction. In a transaction of yours each is a savepoint, and others who migrate wait for the end of
/// that transaction.
///
/// # Errors
/// [`Error::Migration`](crate::Error::Migration), which names the rights that the role lacks; the migrations before the one that
/// failed stay applied. [`Error::SerializationFailure`](crate::Error::SerializationFailure) in a REPEATABLE READ transaction of yours
/// that began before another process had applied them: run it again.
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    for migration in list::pending(conn)? {
        let outcome = lock::alone(conn, |conn| {
            apply::prepare(conn, migration)?;
            apply::apply(conn, migration)
        });
        if outcome.map_err(|error| explain(conn, Task::Apply, error))? {
            applied.push(migration.version.to_owned());
        }
    }
    Ok(applied)
}
