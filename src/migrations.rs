//! The migrations, embedded: they need no files at run time.
//!
//! [`run`] applies them and [`list`] says which are applied. [`revert_to`] and [`redo`] take them back, and [`FILES`] has
//! their text for those who would rather keep it among migrations of their own.

mod files;
mod list;
mod revert;

use diesel::prelude::*;
use diesel::sql_query;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use files::{FILES, MigrationFiles};
pub use list::{Listed, list};
pub use revert::{DataLoss, redo, revert_to};

use crate::error::{Error, Result};

/// The migrations, for a [`MigrationHarness`] of your own.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// "mailglas" in ASCII: the advisory lock that keeps processes which migrate at the same moment apart.
const LOCK: i64 = 0x6d61_696c_676c_6173;

/// Applies the migrations that are pending and returns their versions, oldest first; none where all is up to date.
///
/// Safe to call from every process at start: they wait for each other. The objects land in the schema that `search_path`
/// puts first. The versions are kept in Diesel's own `__diesel_schema_migrations`, beside your application's.
///
/// # Errors
/// [`Error::Migration`]; each migration is a transaction of its own, so those before the one that failed stay applied.
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>> {
    one_at_a_time(conn, |conn| {
        conn.run_pending_migrations(MIGRATIONS)
            .map(|versions| versions.iter().map(ToString::to_string).collect())
            .map_err(Error::Migration)
    })
}

/// Holds the lock while something migrates.
fn one_at_a_time<T>(conn: &mut PgConnection, migrate: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
    sql_query(format!("SELECT pg_advisory_lock({LOCK})")).execute(conn)?;
    let migrated = migrate(conn);
    // A connection that broke has lost the lock anyway, and then what broke it is the error to report.
    let unlocked = sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(conn);
    let migrated = migrated?;
    unlocked?;
    Ok(migrated)
}
