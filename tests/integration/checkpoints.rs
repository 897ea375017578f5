//! Checkpoints reveal what somebody who can disable the guard did to the ledger.

mod chains;
mod format;
mod open_transactions;
mod renewals;
mod tampering;

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use mailglass::ledger::{self, Checkpoint, CheckpointOptions, CheckpointProblem, CheckpointReport, SliceWidth};

use crate::support::TENANT;

/// The server's present time.
fn server_time(conn: &mut PgConnection) -> DateTime<Utc> {
    diesel::select(diesel::dsl::sql::<Timestamptz>("pg_catalog.now()"))
        .get_result(conn)
        .unwrap()
}

fn until(until: DateTime<Utc>) -> CheckpointOptions {
    CheckpointOptions {
        until: Some(until),
        // For the short transactions of other sessions, such as those that create the databases of other tests.
        patience: Duration::from_secs(60),
        ..CheckpointOptions::default()
    }
}

/// Makes a checkpoint of everything that was appended so far.
fn seal(conn: &mut PgConnection, previous: Option<&Checkpoint>) -> Checkpoint {
    let options = until(server_time(conn));
    let made = ledger::checkpoint(conn, TENANT, previous, &options).unwrap();
    made.into_checkpoint().unwrap()
}

/// Inserts events of the tenant, one in each of these hours after the start of 2026.
fn insert_in_hours(conn: &mut PgConnection, tenant: &str, hours: &[u32]) {
    for hour in hours {
        conn.batch_execute(&format!(
            "INSERT INTO mailglass_events
                 (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata, trace_id, inserted_at)
             SELECT gen_random_uuid(), '{tenant}', gen_random_uuid(), 'bounced', time, '{tenant} ' || time,
                    '{{\"code\": 550}}', '{{\"provider\": \"ses\"}}', 'trace', time
             FROM (SELECT '2026-01-01 00:00:00.000001+00'::timestamptz + {hour} * interval '1 hour' AS time) AS given"
        ))
        .unwrap();
    }
}

/// Runs a statement as the owner of the tables, who disables the guard.
fn tamper(conn: &mut PgConnection, statement: &str) {
    conn.batch_execute(&format!(
        "ALTER TABLE mailglass_events DISABLE TRIGGER ALL;
         {statement};
         ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger;
         ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_statement_trigger;
         ALTER TABLE mailglass_events ENABLE TRIGGER mailglass_events_await_reconciliation_trigger;"
    ))
    .unwrap();
}

/// Runs `work` and undoes what it did to the database.
fn undone<T>(conn: &mut PgConnection, work: impl FnOnce(&mut PgConnection) -> T) -> T {
    let mut result = None;
    let undone = conn.transaction::<(), _, _>(|conn| {
        result = Some(work(conn));
        Err(diesel::result::Error::RollbackTransaction)
    });
    assert_eq!(undone, Err(diesel::result::Error::RollbackTransaction));
    result.unwrap()
}

fn verify(conn: &mut PgConnection, chain: &[Checkpoint]) -> CheckpointReport {
    ledger::verify_checkpoints(conn, TENANT, chain).unwrap()
}

/// The differences of the events: the position of the checkpoint, the day or hour, and the numbers sealed and found.
fn events_that_differ(report: &CheckpointReport) -> Vec<(usize, String, u64, u64)> {
    let differing = report.differences.iter().map(|difference| match &difference.problem {
        CheckpointProblem::EventsDiffer { start, sealed, found } => {
            let [sealed, found] = [sealed, found].map(|slice| slice.map_or(0, |slice| slice.events));
            (difference.checkpoint, start.format("%d %H").to_string(), sealed, found)
        }
        other => panic!("unexpected: {other:?}"),
    });
    differing.collect()
}

/// A chain of two checkpoints: the first ends at the third day, the second covers what follows.
fn two_checkpoints(conn: &mut PgConnection) -> Vec<Checkpoint> {
    insert_in_hours(conn, TENANT, &[0, 1, 30]);
    insert_in_hours(conn, "other", &[2, 50]);
    let first = ledger::checkpoint(conn, TENANT, None, &until("2026-01-03T00:00:00Z".parse().unwrap()));
    let first = first.unwrap().into_checkpoint().unwrap();
    insert_in_hours(conn, TENANT, &[48, 49, 72]);
    let second = CheckpointOptions {
        slice_width: SliceWidth::Hour,
        ..until(server_time(conn))
    };
    let second = ledger::checkpoint(conn, TENANT, Some(&first), &second);
    vec![first, second.unwrap().into_checkpoint().unwrap()]
}
