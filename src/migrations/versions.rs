//! Diesel's table of versions.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};

use super::failure::Unreadable;
use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Which table of versions is meant.
#[derive(Clone, Copy)]
pub(super) enum Lookup {
    /// The one that `search_path` finds.
    SearchPath,
    /// The one in the first schema of `search_path`, where a migration creates its objects.
    FirstSchema,
}

/// Diesel's table of versions, as a role sees it.
#[derive(QueryableByName)]
pub(super) struct VersionsTable {
    #[diesel(sql_type = Bool)]
    pub(super) exists: bool,
    #[diesel(sql_type = Bool)]
    is_readable: bool,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

static VERSIONS_TABLE: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["in_first_schema"], &[], sql!("migrations/versions_table")));

pub(super) fn table(conn: &mut PgConnection, lookup: Lookup) -> Result<VersionsTable> {
    let in_first_schema = matches!(lookup, Lookup::FirstSchema);
    Ok(sql_query(VERSIONS_TABLE.as_str())
        .bind::<Bool, _>(in_first_schema)
        .get_result(conn)?)
}

/// The recorded versions; empty if there is no table.
pub(super) fn recorded(conn: &mut PgConnection, lookup: Lookup) -> Result<Vec<String>> {
    let table = table(conn, lookup)?;
    if !table.exists {
        return Ok(Vec::new());
    }
    if !table.is_readable {
        return Err(Error::Migration(Box::new(Unreadable {
            role: table.role,
            table: table.name,
        })));
    }
    let versions: Vec<Version> = sql_query(format!("SELECT version::text FROM {}", table.name)).load(conn)?;
    Ok(versions.into_iter().map(|row| row.version).collect())
}
