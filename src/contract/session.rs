//! A session's view of the database: how it resolves names.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Oid, Text};

use super::catalog::CATALOG;
use super::difference::Difference;
use super::object_kind::ObjectKind;
use super::promises::SETS;
use crate::error::Result;

/// The objects that the names of this crate refer to in a session, and the schemas of its `search_path`.
#[derive(QueryableByName)]
pub(super) struct Session {
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    pub(super) tables: Vec<Option<u32>>,
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    pub(super) functions: Vec<Option<u32>>,
    /// One per closed set.
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    pub(super) types: Vec<Option<u32>>,
    /// The existing schemas of `search_path`, with implicit ones.
    #[diesel(sql_type = Array<Text>)]
    pub(super) schemas: Vec<String>,
    /// Whether the database has the extension Citus.
    #[diesel(sql_type = Bool)]
    pub(super) has_citus: bool,
}

impl Session {
    pub(super) fn read(conn: &mut PgConnection) -> Result<Session> {
        let of_kind = |kind| -> Vec<&str> {
            let named = CATALOG.iter().filter(|object| object.0 == kind);
            named.map(|object| object.1).collect()
        };
        let types: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        Ok(sql_query(include_str!("../sql/contract/session.sql"))
            .bind::<Array<Text>, _>(of_kind(ObjectKind::Table))
            .bind::<Array<Text>, _>(of_kind(ObjectKind::Function))
            .bind::<Array<Text>, _>(types)
            .get_result(conn)?)
    }

    /// Applies settings for the rest of the transaction with which PostgreSQL prints the same definitions in every session,
    /// and with `pg_catalog` first in `search_path`. The order of the other schemas stays.
    pub(super) fn apply_settings(&self, conn: &mut PgConnection) -> Result<()> {
        let schemas: Vec<&str> = (self.schemas())
            .filter(|&schema| schema != "pg_catalog")
            .chain(["pg_temp"])
            .collect();
        sql_query(include_str!("../sql/contract/settings.sql"))
            .bind::<Array<Text>, _>(schemas)
            .execute(conn)?;
        Ok(())
    }

    /// Sets a `search_path` with only `pg_catalog` for the rest of the transaction, so that PostgreSQL prints all other names
    /// with their schema.
    pub(super) fn search_only_the_catalog(conn: &mut PgConnection) -> Result<()> {
        sql_query("SET LOCAL search_path = pg_catalog, pg_temp").execute(conn)?;
        Ok(())
    }

    /// The schemas without that of temporary tables, in which functions and operators are never looked up.
    fn schemas(&self) -> impl Iterator<Item = &str> {
        let schemas = self.schemas.iter().map(String::as_str);
        schemas.filter(|schema| !schema.starts_with("pg_temp_"))
    }

    /// Reports a `search_path` with another schema before `pg_catalog`: a role that can create objects there can redefine `=`.
    /// Objects that exist already are reported separately.
    pub(super) fn search_path(&self) -> Option<Difference> {
        let (catalog, others): (Vec<&str>, Vec<&str>) = self.schemas().partition(|&schema| schema == "pg_catalog");
        let found: Vec<&str> = self.schemas().collect();
        (found.first() != catalog.first()).then(|| Difference {
            kind: ObjectKind::Setting,
            object: "search_path".to_owned(),
            expected: Some([catalog, others].concat().join(", ")),
            found: Some(found.join(", ")),
            is_harmless: true,
            repair: None,
        })
    }
}
