//! The enum types that search_path finds, which may be those of another schema.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text};

use super::files::MigrationFiles;
use crate::contract::SETS;
use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

static VISIBLE_TYPES: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["names"], &[], sql!("migrations/visible_types")));

/// An enum type that `search_path` finds.
#[derive(QueryableByName)]
pub(super) struct VisibleType {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    schema: String,
    /// Whether it is in the schema of the table of versions.
    #[diesel(sql_type = Bool)]
    is_own: bool,
    #[diesel(sql_type = Array<Text>)]
    labels: Vec<String>,
}

fn visible(conn: &mut PgConnection) -> Result<Vec<VisibleType>> {
    let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
    Ok(sql_query(VISIBLE_TYPES.as_str())
        .bind::<Array<Text>, _>(names)
        .load(conn)?)
}

/// The schemas in which `search_path` finds the types.
pub(crate) fn schemas(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(visible(conn)?.into_iter().map(|found| found.schema).collect())
}

/// The types, if `search_path` finds one in another schema than the one of the table of versions. Such types belong to that
/// schema: neither applying nor reverting changes them.
pub(super) fn shared(conn: &mut PgConnection) -> Result<Option<Vec<VisibleType>>> {
    let visible = visible(conn)?;
    Ok(visible.iter().any(|found| !found.is_own).then_some(visible))
}

/// The types of another schema are not those of this release.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}_{}: search_path finds enum types in {}, but they are not those of this release: {}. Apply their migrations first, with \
     `migrations::run_types` and their schema first in search_path, or remove that schema from search_path",
    migration.version,
    migration.name,
    schemas.join(", "),
    differences.join("; ")
)]
struct OtherTypes {
    migration: &'static MigrationFiles,
    schemas: Vec<String>,
    differences: Vec<String>,
}

/// Compares the shared types with the closed sets of this release.
pub(super) fn check(types: &[VisibleType], migration: &'static MigrationFiles) -> Result<()> {
    let mut differences = Vec::new();
    for set in SETS {
        let Some(found) = types.iter().find(|found| found.name == set.name) else {
            differences.push(format!("type {} is missing", set.name));
            continue;
        };
        if let Err(mismatch) = set.check_in_order(&found.labels) {
            differences.push(mismatch.to_string());
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let mut schemas: Vec<String> = types.iter().map(|found| format!("schema {}", found.schema)).collect();
    schemas.sort_unstable();
    schemas.dedup();
    Err(Error::Migration(Box::new(OtherTypes {
        migration,
        schemas,
        differences,
    })))
}
