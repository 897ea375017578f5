//! Reading the slices of a range.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};

use super::checkpoint::{CheckpointSlice, SliceWidth};
use super::digest::Digest;
use crate::error::{Error, Result};
use crate::retry;
use crate::sql::{quoted, sql, with_parameters};
use crate::tenancy;

/// The events of a tenant that were appended in a range.
pub(super) struct Range<'a> {
    pub(super) tenant_id: &'a str,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) until: DateTime<Utc>,
    pub(super) slice_width: SliceWidth,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    slice: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

#[derive(QueryableByName)]
struct RowOfBoth {
    #[diesel(sql_type = Bool)]
    remains: bool,
    #[diesel(embed)]
    row: Row,
}

/// The parameters of the statements, in the order in which they are bound.
const PARAMETERS: [&str; 4] = ["tenant", "since", "until", "width"];

static OF_LEDGER: LazyLock<String> =
    LazyLock::new(|| with_parameters(&PARAMETERS, &[&leaves("leaves", "mailglass_events")], &slices("leaves")));

static OF_BOTH: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &PARAMETERS,
        &[
            &leaves("leaves", "mailglass_events"),
            &leaves("kept_leaves", ":kept_table"),
            sql!("checkpoints/all_leaves"),
        ],
        &sql!("checkpoints/both_slices")
            .replace(":remaining", slices("leaves").trim_end())
            .replace(":everything", slices("all_leaves").trim_end()),
    )
});

fn leaves(name: &str, table: &str) -> String {
    sql!("checkpoints/leaves")
        .replace(":leaves", name)
        .replace(":table", table)
}

fn slices(leaves: &str) -> String {
    sql!("checkpoints/slices").replace(":leaves", leaves)
}

/// The slices of the ledger.
pub(super) fn of_ledger(conn: &mut PgConnection, range: &Range<'_>) -> Result<Vec<CheckpointSlice>> {
    let rows: Vec<Row> = read(conn, range, &OF_LEDGER)?;
    rows.iter().map(|row| slice(range.slice_width, row)).collect()
}

/// The slices of the ledger, and those of the ledger together with a table that keeps what was removed from it.
pub(super) fn of_ledger_and_of_both(
    conn: &mut PgConnection,
    range: &Range<'_>,
    kept: &str,
) -> Result<(Vec<CheckpointSlice>, Vec<CheckpointSlice>)> {
    // The name is inserted last: whatever it contains, it is no placeholder.
    let statement = OF_BOTH.replace(":kept_table", &quoted(kept));
    let rows: Vec<RowOfBoth> = read(conn, range, &statement)?;
    let (mut remaining, mut everything) = (Vec::new(), Vec::new());
    for RowOfBoth { remains, row } in &rows {
        let slices = if *remains { &mut remaining } else { &mut everything };
        slices.push(slice(range.slice_width, row)?);
    }
    remaining.sort_by_key(|slice: &CheckpointSlice| slice.start);
    Ok((remaining, everything))
}

fn read<R>(conn: &mut PgConnection, range: &Range<'_>, statement: &str) -> Result<Vec<R>>
where
    R: QueryableByName<Pg> + 'static,
{
    let load = |conn: &mut PgConnection| {
        let rows = sql_query(statement)
            .bind::<Text, _>(range.tenant_id)
            .bind::<Nullable<Timestamptz>, _>(range.from)
            .bind::<Timestamptz, _>(range.until)
            .bind::<BigInt, _>(range.slice_width.seconds())
            .load(conn)?;
        Ok(rows)
    };
    // Outside of a scope, row-level security would hide the events, and the checkpoint would be empty.
    retry::serializable(conn, |conn| tenancy::scoped(conn, range.tenant_id, load))
}

fn slice(width: SliceWidth, row: &Row) -> Result<CheckpointSlice> {
    let start = row.slice.checked_mul(width.seconds());
    let start = start.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let start = start.ok_or_else(|| {
        let error = format!("slice {} is out of range", row.slice);
        Error::Database(diesel::result::Error::DeserializationError(error.into()))
    })?;
    Ok(CheckpointSlice {
        start,
        events: row.events.unsigned_abs(),
        digest: Digest::of_database(&row.digest)?,
    })
}
