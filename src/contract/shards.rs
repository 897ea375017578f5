//! The guard on the shards of a table that Citus distributes.
//!
//! Citus creates no statement trigger on the shards of a table that is distributed already. So a database that was migrated in a
//! distributed schema lacks a part of the guard: a statement that is sent to a worker can truncate the shard.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Oid, Text};

use super::catalog::CATALOG;
use super::difference::Difference;
use super::object_kind::ObjectKind;
use super::session::Session;
use crate::error::Result;

#[derive(QueryableByName)]
struct ShardTrigger {
    #[diesel(sql_type = Text)]
    shard: String,
    /// The node that has the shard, as `host:port`.
    #[diesel(sql_type = Text)]
    node: String,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Text)]
    expected: String,
    #[diesel(sql_type = Nullable<Text>)]
    found: Option<String>,
    /// Why the node could not be asked.
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    repair: Option<String>,
}

/// Compares the triggers of shards with those of their tables. Without Citus, it sends nothing. It leaves a `search_path` with
/// only `pg_catalog`.
pub(super) fn differences(conn: &mut PgConnection, session: &Session) -> Result<Vec<Difference>> {
    if !session.has_citus {
        return Ok(Vec::new());
    }
    let triggers = CATALOG.iter().filter(|object| object.0 == ObjectKind::Trigger);
    let triggers: Vec<&str> = triggers
        .filter_map(|(_, object, _)| object.split_once('.').map(|(_, trigger)| trigger))
        .collect();
    Session::search_only_the_catalog(conn)?;
    let differing: Vec<ShardTrigger> = sql_query(include_str!("../sql/contract/shards.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .bind::<Array<Text>, _>(triggers)
        .load(conn)?;
    let mut differences: Vec<Difference> = differing.into_iter().map(difference).collect();
    // A node that could not be asked is reported once for each of its shards, not for each trigger.
    differences.dedup();
    Ok(differences)
}

fn difference(differing: ShardTrigger) -> Difference {
    let ShardTrigger {
        shard,
        node,
        trigger,
        expected,
        found,
        error,
        repair,
    } = differing;
    match error {
        Some(error) => Difference {
            kind: ObjectKind::Table,
            object: shard,
            expected: Some(format!("a shard that can be read on {node}")),
            found: Some(error),
            is_harmless: false,
            repair: None,
        },
        None => Difference {
            kind: ObjectKind::Trigger,
            object: format!("{shard}.{trigger}"),
            expected: Some(expected),
            found,
            is_harmless: false,
            repair,
        },
    }
}
