//! What the owner of the tables does to the events is found.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::EventType;
use mailglass::ledger::{self, CheckpointOptions};
use proptest::prelude::*;
use proptest::sample::select;

use super::{events_that_differ, insert_in_hours, seal, tamper, two_checkpoints, undone, verify};
use crate::support::{TENANT, connected, event, generate, record_one};

#[test]
fn an_unchanged_ledger_has_no_difference_while_it_grows() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let mut chain = Vec::new();
    for events in [0, 3, 0, 2] {
        for seconds in 0..events {
            record_one(conn, event(EventType::Opened, seconds));
        }
        chain.push(seal(conn, chain.last()));
        let report = verify(conn, &chain);
        assert_eq!(report.differences, []);
        assert_eq!(
            report.events,
            chain.iter().map(|checkpoint| checkpoint.events()).sum::<u64>()
        );
        assert_eq!(report.head, Some(chain.last().unwrap().digest));
    }
    record_one(conn, event(EventType::Opened, 9));
    let report = verify(conn, &chain);
    assert!(report.is_ok());
    assert_eq!((report.compared, report.events, report.from), (4, 5, None));
    assert_eq!(report.until, Some(chain[3].until));
    assert!(verify(conn, &[]).is_ok());
}

/// The event of the second day is the third of the first checkpoint.
const SECOND_DAY: &str = "idempotency_key = 'acme ' || '2026-01-02 06:00:00.000001+00'::timestamptz";

#[test]
fn a_change_to_any_column_is_found_on_its_day() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute("SET TimeZone = 'UTC'").unwrap();
    let chain = two_checkpoints(conn);
    assert_eq!(verify(conn, &chain).differences, []);
    let changes = [
        "id = gen_random_uuid()",
        "delivery_id = gen_random_uuid()",
        "delivery_id = NULL",
        "type = 'delivered'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "idempotency_key = 'another'",
        "idempotency_key = NULL",
        "reject_reason = 'spam'",
        "normalized_payload = '{\"code\": 551}'",
        "normalized_payload = '{\"code\": 550.0}'",
        "normalized_payload = '{\"code\": \"550\"}'",
        "metadata = metadata || '{\"a\": null}'",
        "trace_id = ''",
        "trace_id = NULL",
        "trace_id = 'trac', metadata = '{\"e\": 1}'",
        "needs_reconciliation = true",
        "inserted_at = inserted_at + interval '1 microsecond'",
    ];
    for change in changes {
        let report = undone(conn, |conn| {
            tamper(
                conn,
                &format!("UPDATE mailglass_events SET {change} WHERE {SECOND_DAY}"),
            );
            verify(conn, &chain)
        });
        assert_eq!(events_that_differ(&report), [(0, "02 00".to_owned(), 1, 1)], "{change}");
    }
    assert_eq!(verify(conn, &chain).differences, []);
}

#[test]
fn removed_added_moved_and_exchanged_events_are_found() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute("SET TimeZone = 'UTC'").unwrap();
    let chain = two_checkpoints(conn);
    type Expected = &'static [(usize, &'static str, u64, u64)];
    let cases: [(&str, Expected); 9] = [
        ("DELETE FROM mailglass_events WHERE metadata = '{}'", &[]),
        (
            &format!("DELETE FROM mailglass_events WHERE {SECOND_DAY}"),
            &[(0, "02 00", 1, 0)],
        ),
        (
            "DELETE FROM mailglass_events WHERE inserted_at > '2026-01-03'",
            &[(1, "03 00", 1, 0), (1, "03 01", 1, 0), (1, "04 00", 1, 0)],
        ),
        (
            "TRUNCATE mailglass_events",
            &[
                (0, "01 00", 2, 0),
                (0, "02 00", 1, 0),
                (1, "03 00", 1, 0),
                (1, "03 01", 1, 0),
                (1, "04 00", 1, 0),
            ],
        ),
        // No trigger has to be disabled for these two.
        (
            "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, inserted_at)
             VALUES (gen_random_uuid(), 'acme', 'opened', now(), '2026-01-03 01:59:59.999999+00')",
            &[(1, "03 01", 1, 2)],
        ),
        (
            "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, inserted_at)
             VALUES (gen_random_uuid(), 'acme', 'opened', now(), '-infinity')",
            &[(0, "24 00", 0, 1)],
        ),
        (
            &format!("UPDATE mailglass_events SET tenant_id = 'other' WHERE {SECOND_DAY}"),
            &[(0, "02 00", 1, 0)],
        ),
        (
            &format!("UPDATE mailglass_events SET inserted_at = '2026-01-03 00:30+00' WHERE {SECOND_DAY}"),
            &[(0, "02 00", 1, 0), (1, "03 00", 1, 2)],
        ),
        // Two events exchange their deliveries. A digest of each column by itself would be the same.
        (
            "UPDATE mailglass_events AS event SET delivery_id = another.delivery_id FROM mailglass_events AS another
             WHERE event.tenant_id = 'acme' AND another.tenant_id = 'acme' AND event.inserted_at < '2026-01-02'
               AND another.inserted_at < '2026-01-02' AND event.id <> another.id",
            &[(0, "01 00", 2, 2)],
        ),
    ];
    for (statement, expected) in cases {
        let report = undone(conn, |conn| {
            tamper(conn, statement);
            verify(conn, &chain)
        });
        let found = events_that_differ(&report);
        let found: Vec<_> = (found.iter())
            .map(|(checkpoint, day, sealed, found)| (*checkpoint, day.as_str(), *sealed, *found))
            .collect();
        assert_eq!(found, expected, "{statement}");
    }
}

#[test]
fn an_event_removed_before_the_first_checkpoint_is_not_found_and_one_appended_after_the_last_is_not_compared() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_in_hours(conn, TENANT, &[0, 1]);
    tamper(
        conn,
        "DELETE FROM mailglass_events WHERE inserted_at > '2026-01-01 01:00+00'",
    );
    let chain = [seal(conn, None)];
    record_one(conn, event(EventType::Opened, 1));
    tamper(conn, "DELETE FROM mailglass_events WHERE type = 'opened'");
    assert!(verify(conn, &chain).is_ok());
}

#[test]
fn tenants_have_separate_checkpoints() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let chain = two_checkpoints(conn);
    let other = ledger::checkpoint(conn, "other", None, &CheckpointOptions::default())
        .unwrap()
        .into_checkpoint()
        .unwrap();
    assert_eq!(other.events(), 2);
    tamper(conn, "DELETE FROM mailglass_events WHERE tenant_id = 'other'");
    assert!(verify(conn, &chain).is_ok());
    let report = ledger::verify_checkpoints(conn, "other", &[other]).unwrap();
    assert_eq!(events_that_differ(&report).len(), 2);
}

/// An edit of one event by its number, and whether the row differs afterwards.
fn edits() -> impl Strategy<Value = (u32, String)> {
    let text = || "[a-c\u{e9}:'\"]{0,3}".prop_map(|text| format!("'{}'", text.replace('\'', "''")));
    let nullable = || prop_oneof![Just("NULL".to_owned()), text()];
    let json = || "[a-c]{0,2}".prop_map(|text| format!("'{{\"{text}\": \"\"}}'"));
    let change = prop_oneof![
        nullable().prop_map(|value| format!("trace_id = {value}")),
        json().prop_map(|value| format!("normalized_payload = {value}")),
        json().prop_map(|value| format!("metadata = {value}")),
        select(vec!["opened", "clicked"]).prop_map(|label| format!("type = '{label}'")),
        any::<bool>().prop_map(|value| format!("needs_reconciliation = {value}")),
        (-1..2_i32).prop_map(|micros| format!("occurred_at = occurred_at + {micros} * interval '1 microsecond'")),
        (-1..2_i32).prop_map(|hours| format!("inserted_at = inserted_at + {hours} * interval '1 hour'")),
    ];
    (0..4_u32, change)
}

/// The rows as PostgreSQL compares them decide whether there is a difference.
#[test]
fn verify_reports_exactly_the_ledgers_that_differ() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    for number in 0..4_u32 {
        insert_in_hours(conn, TENANT, &[number]);
    }
    tamper(
        conn,
        "UPDATE mailglass_events SET type = 'opened', trace_id = 'a', metadata = '{\"a\": \"\"}'",
    );
    conn.batch_execute("CREATE TEMPORARY TABLE original AS SELECT * FROM mailglass_events")
        .unwrap();
    let chain = [seal(conn, None)];
    generate::for_all(60, prop::collection::vec(edits(), 1..3), |edits| {
        let (differs, report) = undone(conn, |conn| {
            for (number, change) in &edits {
                tamper(
                    conn,
                    &format!(
                        "UPDATE mailglass_events SET {change}
                         WHERE id = (SELECT id FROM original ORDER BY inserted_at OFFSET {number} LIMIT 1)"
                    ),
                );
            }
            let differs = diesel::dsl::sql::<diesel::sql_types::Bool>(
                "EXISTS (SELECT * FROM mailglass_events EXCEPT SELECT * FROM original)",
            );
            let differs: bool = diesel::select(differs).get_result(conn).unwrap();
            (differs, verify(conn, &chain))
        });
        prop_assert_eq!(!report.is_ok(), differs, "{:?}", edits);
        Ok(())
    });
}
