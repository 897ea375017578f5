//! Which of the migrations are applied.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};

use super::failure::Unreadable;
use super::{FILES, MigrationFiles};
use crate::error::{Error, Result};

/// A migration of this crate, and whether a database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// As `__diesel_schema_migrations` has it, such as `20261121231501`.
    pub version: &'static str,
    /// What it does, such as `create_closed_sets`.
    pub name: &'static str,
    /// Whether it is applied.
    pub is_applied: bool,
}

/// Diesel's table of versions, as `search_path` finds it.
const VISIBLE: &str = "pg_catalog.to_regclass('__diesel_schema_migrations')";

/// The one that a migration creates if it is missing: another one further down `search_path` says nothing about this schema.
pub(super) const IN_FIRST_SCHEMA: &str =
    "pg_catalog.to_regclass(pg_catalog.quote_ident(pg_catalog.current_schema()) || '.__diesel_schema_migrations')";

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Access {
    #[diesel(sql_type = Bool)]
    is_there: bool,
    #[diesel(sql_type = Bool)]
    is_readable: bool,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    table: String,
}

/// This crate's migrations, oldest first, and which of them are applied. Changes nothing, so it doesn't make Diesel's table
/// where there is none, and a role that may only read can ask.
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
/// [`Error::Migration`](crate::Error::Migration), if this role may not read Diesel's table.
pub fn list(conn: &mut PgConnection) -> Result<Vec<MigrationStatus>> {
    let recorded = versions(conn, VISIBLE)?;
    let listed = FILES.iter().map(|migration| MigrationStatus {
        version: migration.version,
        name: migration.name,
        is_applied: recorded.iter().any(|version| version == migration.version),
    });
    Ok(listed.collect())
}

/// What is to be applied in the schema that `search_path` puts first, oldest first.
pub(super) fn pending(conn: &mut PgConnection) -> Result<Vec<&'static MigrationFiles>> {
    let recorded = versions(conn, IN_FIRST_SCHEMA)?;
    let is_pending = |migration: &&MigrationFiles| recorded.iter().all(|version| version != migration.version);
    Ok(FILES.iter().filter(is_pending).collect())
}

/// What can be reverted, oldest first.
pub(super) fn applied(conn: &mut PgConnection) -> Result<Vec<&'static MigrationFiles>> {
    let recorded = versions(conn, VISIBLE)?;
    let is_applied = |migration: &&MigrationFiles| recorded.iter().any(|version| version == migration.version);
    Ok(FILES.iter().filter(is_applied).collect())
}

pub(super) fn is_there(conn: &mut PgConnection, table: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::sql::<Bool>(&format!("{table} IS NOT NULL"))).get_result(conn)
}

fn versions(conn: &mut PgConnection, table: &str) -> Result<Vec<String>> {
    // By functions, which see the catalogs as they are now, also where the transaction's snapshot is older.
    let access = format!(
        "SELECT {table} IS NOT NULL AS is_there, coalesce(pg_catalog.has_table_privilege({table}, 'SELECT'), false) AS is_readable,
                pg_catalog.quote_ident(current_user) AS role, coalesce({table}::text, '') AS \"table\""
    );
    let access: Access = sql_query(access).get_result(conn)?;
    if !access.is_there {
        return Ok(Vec::new());
    }
    if !access.is_readable {
        let Access { role, table, .. } = access;
        return Err(Error::Migration(Box::new(Unreadable { role, table })));
    }
    let recorded: Vec<Recorded> = sql_query(format!("SELECT version::text FROM {}", access.table)).load(conn)?;
    Ok(recorded.into_iter().map(|recorded| recorded.version).collect())
}
