//! Which of the migrations are applied.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};

use super::FILES;
use crate::error::Result;

/// A migration of this crate, and whether a database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// As `__diesel_schema_migrations` has it, such as `20261121231501`.
    pub version: &'static str,
    /// What it does, such as `create_closed_sets`.
    pub name: &'static str,
    /// Whether it is applied.
    pub is_applied: bool,
}

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Text)]
    version: String,
}

/// This crate's migrations, oldest first, and which of them are applied. Changes nothing, so it doesn't make Diesel's table
/// where there is none, and a role that may only read can ask.
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// let pending: Vec<_> = mailglass::migrations::list(conn)?.into_iter().filter(|it| !it.is_applied).collect();
/// assert!(pending.is_empty());
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database), if Diesel's table can't be read.
pub fn list(conn: &mut PgConnection) -> Result<Vec<Listed>> {
    let is_there = diesel::dsl::sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
    let recorded: Vec<Recorded> = match diesel::select(is_there).get_result(conn)? {
        true => sql_query("SELECT version::text FROM __diesel_schema_migrations").load(conn)?,
        false => Vec::new(),
    };
    let is_applied = |version: &str| recorded.iter().any(|it| it.version == version);
    let listed = FILES.iter().map(|it| Listed {
        version: it.version,
        name: it.name,
        is_applied: is_applied(it.version),
    });
    Ok(listed.collect())
}
