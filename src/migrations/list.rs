//! Which migrations are applied.

use diesel::prelude::*;

use super::files::{FILES, MigrationFiles};
use super::versions::{self, Lookup};
use crate::error::Result;

/// A migration of this crate, and whether the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The version in `__diesel_schema_migrations`, such as `20261121231501`.
    pub version: &'static str,
    /// The name, such as `create_closed_sets`.
    pub name: &'static str,
    /// Whether it is applied.
    pub is_applied: bool,
}

/// Returns this crate's migrations, oldest first, and whether each is applied. It changes nothing and does not create Diesel's
/// table, so a role that may only read can call it.
///
/// ```
/// # test_support::with_database(|conn| {
/// let listed = mailglass::migrations::list(conn)?;
/// assert!(listed.iter().all(|migration| migration.is_applied));
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Migration`](crate::Error::Migration) if this role may not read Diesel's table.
pub fn list(conn: &mut PgConnection) -> Result<Vec<MigrationStatus>> {
    let recorded = versions::recorded(conn, Lookup::SearchPath)?;
    let listed = FILES.iter().map(|migration| MigrationStatus {
        version: migration.version,
        name: migration.name,
        is_applied: recorded.iter().any(|version| version == migration.version),
    });
    Ok(listed.collect())
}

/// The migrations to be applied in the first schema of `search_path`, oldest first.
pub(super) fn pending(conn: &mut PgConnection) -> Result<Vec<&'static MigrationFiles>> {
    let recorded = versions::recorded(conn, Lookup::FirstSchema)?;
    let is_pending = |migration: &&MigrationFiles| recorded.iter().all(|version| version != migration.version);
    Ok(FILES.iter().filter(is_pending).collect())
}

/// The migrations that can be reverted, oldest first.
pub(super) fn applied(conn: &mut PgConnection) -> Result<Vec<&'static MigrationFiles>> {
    let recorded = versions::recorded(conn, Lookup::SearchPath)?;
    let is_applied = |migration: &&MigrationFiles| recorded.iter().any(|version| version == migration.version);
    Ok(FILES.iter().filter(is_applied).collect())
}
