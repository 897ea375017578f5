//! What a cut would remove.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use serde::Serialize;

use super::ledger::Ledger;
use crate::error::{CutRejection, Result};
use crate::retry::is_in_transaction;
use crate::sql::{sql, with_parameters};

static SEARCH_TEMPORARY: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["schema"], &[], sql!("retention/search_temporary")));

static DELIVERIES: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["before"],
        &[sql!("retention/all_deliveries"), sql!("retention/leaving_deliveries")],
        sql!("retention/insert_preview"),
    )
});

static COUNTS: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["before"],
        &[sql!("retention/all_events"), sql!("retention/judged_events")],
        sql!("retention/preview"),
    )
});

/// What a cut would remove now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, QueryableByName)]
#[non_exhaustive]
pub struct CutPreview {
    /// All deliveries.
    #[diesel(sql_type = BigInt)]
    pub deliveries: i64,
    /// Those that would leave.
    #[diesel(sql_type = BigInt)]
    pub deliveries_leaving: i64,
    /// All events.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// Those that would leave.
    #[diesel(sql_type = BigInt)]
    pub events_leaving: i64,
}

/// Counts what [`cut`](super::cut) would remove now, by the same rules. It reads everything in one snapshot, which may take minutes, and
/// locks nothing. It changes nothing but a temporary table, so it does not work on a hot standby.
///
/// It returns [`CutRejection::Dependents`] as a cut does, so that it can be tried before the night in which it is to run.
///
/// # Errors
/// [`Error::CutRejected`](crate::Error::CutRejected): other objects refer to the ledger, row-level security hides rows, or the
/// connection is in a transaction.
pub fn preview(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<CutPreview> {
    if is_in_transaction(conn) {
        return Err(CutRejection::InTransaction.into());
    }
    let ledger = Ledger::find(conn)?;
    ledger.check_visibility()?;
    ledger.check_distribution(conn)?;
    ledger.check_dependents(conn)?;
    conn.build_transaction().repeatable_read().run(|conn| {
        sql_query(SEARCH_TEMPORARY.as_str())
            .bind::<Text, _>(&ledger.schema)
            .execute(conn)?;
        sql_query(sql!("retention/create_preview")).execute(conn)?;
        sql_query(DELIVERIES.as_str())
            .bind::<Timestamptz, _>(before)
            .execute(conn)?;
        sql_query("ANALYZE mailglass_cut_deliveries").execute(conn)?;
        Ok(sql_query(COUNTS.as_str())
            .bind::<Timestamptz, _>(before)
            .get_result(conn)?)
    })
}
