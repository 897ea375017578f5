//! The statements of a sweep.

use std::sync::LazyLock;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::sweep_options::{LinkedEvent, SweepOptions, SweepReport};
use crate::error::Result;
use crate::retry;
use crate::sql::{sql, with_parameters};
use crate::suppressions::rules;

static SWEEP: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["tenant", "limit", "grace", "max_age", "events_only"],
        &[
            sql!("pending_links"),
            sql!("match_deliveries"),
            sql!("resolve"),
            sql!("sweep_outcomes"),
            sql!("update_links"),
            sql!("linked_events"),
            sql!("linked_facts"),
            sql!("fold"),
            sql!("merge"),
            sql!("write_projections"),
        ],
        sql!("sweep_report"),
    )
});

static PENDING: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["tenant", "limit", "grace", "events_only"],
        &[sql!("pending_links")],
        sql!("pending_ids"),
    )
});

static POSTPONE: LazyLock<String> = LazyLock::new(|| {
    with_parameters(
        &["event"],
        &[sql!("postpone_link"), sql!("match_deliveries")],
        sql!("resolved_delivery"),
    )
});

#[derive(QueryableByName)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Counts {
    #[diesel(sql_type = BigInt)]
    linked: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    ambiguous: i64,
    #[diesel(sql_type = BigInt)]
    expired: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    linked_events: Vec<Uuid>,
    /// The deliveries of `linked_events`.
    #[diesel(sql_type = Array<SqlUuid>)]
    linked_deliveries: Vec<Uuid>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    delivery_id: Option<Uuid>,
}

/// Sweeps in one statement; only `events`, if given. With rules, what is linked adds its suppressions in the same transaction.
pub(super) fn sweep(conn: &mut PgConnection, options: &SweepOptions, events: Option<&[Uuid]>) -> Result<SweepReport> {
    let Some(rules) = &options.suppress else {
        return retry::with_savepoint(conn, |conn| link(conn, options, events));
    };
    retry::transaction(conn, |conn| {
        let report = link(conn, options, events)?;
        rules::apply_to(conn, rules, report.linked_events.iter().map(|linked| linked.event_id))?;
        Ok(report)
    })
}

fn link(conn: &mut PgConnection, options: &SweepOptions, events: Option<&[Uuid]>) -> Result<SweepReport> {
    let counts: Counts = sql_query(SWEEP.as_str())
        .bind::<Nullable<Text>, _>(options.tenants.only())
        .bind::<BigInt, _>(i64::from(options.limit))
        .bind::<Double, _>(seconds(options.grace))
        .bind::<Double, _>(seconds(options.max_age))
        .bind::<Nullable<Array<SqlUuid>>, _>(events)
        .get_result(conn)?;
    Ok(SweepReport {
        linked: counts.linked,
        waiting: counts.waiting,
        ambiguous: counts.ambiguous,
        expired: counts.expired,
        failed: Vec::new(),
        linked_events: (counts.linked_events.into_iter().zip(counts.linked_deliveries))
            .map(|(event_id, delivery_id)| LinkedEvent { delivery_id, event_id })
            .collect(),
    })
}

#[derive(QueryableByName)]
struct Pending {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
}

/// The events that a sweep would check next.
pub(super) fn pending(conn: &mut PgConnection, options: &SweepOptions) -> Result<Vec<Uuid>> {
    let pending: Vec<Pending> = sql_query(PENDING.as_str())
        .bind::<Nullable<Text>, _>(options.tenants.only())
        .bind::<BigInt, _>(i64::from(options.limit))
        .bind::<Double, _>(seconds(options.grace))
        .bind::<Nullable<Array<SqlUuid>>, _>(None::<&[Uuid]>)
        .load(conn)?;
    Ok(pending.into_iter().map(|pending| pending.event_id).collect())
}

/// Moves an event behind the others that wait, and returns the delivery that it names.
pub(super) fn postpone(conn: &mut PgConnection, event_id: Uuid) -> Result<Option<Uuid>> {
    retry::with_savepoint(conn, |conn| {
        let found: Option<Found> = sql_query(POSTPONE.as_str())
            .bind::<SqlUuid, _>(event_id)
            .get_result(conn)
            .optional()?;
        Ok(found.and_then(|found| found.delivery_id))
    })
}

/// Seconds in the range of a Postgres interval: at most a thousand years.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().min(1_000.0 * 365.25 * 24.0 * 60.0 * 60.0)
}
