//! Reads the catalogs of a database into the model.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Jsonb, Oid, Text};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{Domain, Enum, Function, Relation};
use super::selection::Selection;

/// The selected relations, with their types and functions.
pub(crate) struct Catalog {
    pub(crate) relations: Vec<Relation>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) functions: Vec<Function>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
    /// An error, because a misspelled pattern would otherwise go unnoticed.
    #[error("no table or view matches {}", patterns.join(", "))]
    NoMatch { patterns: Vec<String> },
    #[error("unexpected data in the catalogs: {0}")]
    Unknown(#[from] serde_json::Error),
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = Oid)]
    oid: u32,
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_visible: bool,
}

#[derive(QueryableByName)]
struct Described {
    #[diesel(sql_type = Jsonb)]
    description: Value,
}

#[derive(QueryableByName)]
struct DescribedType {
    #[diesel(sql_type = Bool)]
    is_enum: bool,
    #[diesel(sql_type = Jsonb)]
    description: Value,
}

/// Reads the selected relations from one snapshot.
pub(crate) fn read(conn: &mut PgConnection, selection: &Selection) -> Result<Catalog, ReadError> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run(|conn| read_at_once(conn, selection))
}

fn read_at_once(conn: &mut PgConnection, selection: &Selection) -> Result<Catalog, ReadError> {
    let candidates: Vec<Candidate> = sql_query(include_str!("catalog/candidates.sql")).load(conn)?;
    let names: Vec<_> = candidates
        .iter()
        .map(|candidate| (candidate.schema.as_str(), candidate.name.as_str(), candidate.is_visible))
        .collect();
    let patterns = selection.unmatched(&names);
    if !patterns.is_empty() {
        return Err(ReadError::NoMatch { patterns });
    }
    let selected = candidates
        .iter()
        .filter(|candidate| selection.takes(&candidate.schema, &candidate.name, candidate.is_visible));
    let oids: Vec<u32> = selected.map(|candidate| candidate.oid).collect();

    let (mut enums, mut domains) = (Vec::new(), Vec::new());
    let types: Vec<DescribedType> = sql_query(include_str!("catalog/types.sql"))
        .bind::<Array<Oid>, _>(&oids)
        .load(conn)?;
    for DescribedType { is_enum, description } in types {
        if is_enum {
            enums.push(serde_json::from_value(description)?);
        } else {
            domains.push(serde_json::from_value(description)?);
        }
    }
    Ok(Catalog {
        relations: described(conn, include_str!("catalog/relations.sql"), &oids)?,
        enums,
        domains,
        functions: described(conn, include_str!("catalog/functions.sql"), &oids)?,
    })
}

fn described<T: DeserializeOwned>(conn: &mut PgConnection, sql: &str, oids: &[u32]) -> Result<Vec<T>, ReadError> {
    let rows: Vec<Described> = sql_query(sql).bind::<Array<Oid>, _>(oids).load(conn)?;
    let models = rows.into_iter().map(|row| serde_json::from_value(row.description));
    Ok(models.collect::<Result<_, _>>()?)
}
