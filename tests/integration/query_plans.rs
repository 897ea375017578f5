//! The rows and indexes that calls read and write, as counted by the server. With a million events in the ledger, every call
//! uses its intended indexes and no sequential scan, both on a connection that planned its statements while the tables were
//! empty and on a new connection.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use mailglass::projection::rebuild;
use mailglass::reconciler::sweep;
use mailglass::{Delivery, DeliveryChanges, DeliveryStatus, EventType, NewDelivery, ledger};

use crate::support::{TENANT, at, connect, connected, delivery, eager, event, insert, reload, rows_read, to};

/// 100,000 deliveries with 10 events each. Every 100th event was recorded before its delivery and was linked later.
const GROW: &str = "
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, idempotency_key,
        last_event_type, last_event_at
    )
    SELECT
        md5('delivery ' || n)::uuid, 'acme', 'welcome', 'bulk', n || '@example.com', 'example.com', 'ses', 'm' || n, 'd' || n,
        'queued', '2024-10-04'
    FROM generate_series(1, 100000) AS n;

    INSERT INTO mailglass_event_links (event_id, tenant_id, waiting_reason, delivery_id, linked_at)
    SELECT md5('event ' || n)::uuid, 'acme', 'no_delivery', md5('delivery ' || n % 100000 + 1)::uuid, now()
    FROM generate_series(100, 1000000, 100) AS n;

    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, needs_reconciliation)
    SELECT
        md5('event ' || n)::uuid, 'acme', CASE WHEN n % 100 > 0 THEN md5('delivery ' || n % 100000 + 1)::uuid END, 'opened',
        '2024-10-04'::timestamptz + n * interval '1 second', 'e' || n, n % 100 = 0
    FROM generate_series(1, 1000000) AS n";

#[derive(QueryableByName)]
struct Scans {
    #[diesel(sql_type = Text)]
    relation: String,
    #[diesel(sql_type = BigInt)]
    scans: i64,
}

/// How often the current transaction has scanned each index, and each table sequentially.
fn scans(conn: &mut PgConnection) -> BTreeMap<String, i64> {
    let query = "SELECT relname::text AS relation, pg_stat_get_xact_numscans(oid) AS scans FROM pg_class
                 WHERE relname LIKE 'mailglass%' AND relkind IN ('r', 'i')";
    let all: Vec<Scans> = sql_query(query).load(conn).unwrap();
    all.into_iter().map(|row| (row.relation, row.scans)).collect()
}

/// A call with its name and the indexes that it must use. The names lack the prefix `mailglass_`.
type Call = (&'static str, &'static [&'static str], fn(&mut PgConnection, &Delivery));

const CALLS: [Call; 12] = [
    ("find", &["deliveries_pkey"], |conn, delivery| {
        drop(reload(conn, delivery))
    }),
    (
        "timeline",
        &["events_delivery_idx", "event_links_delivery_idx", "events_pkey"],
        |conn, delivery| assert_eq!(delivery.timeline(conn).unwrap().len(), 3),
    ),
    (
        "explain",
        &["events_delivery_idx", "event_links_delivery_idx"],
        |conn, delivery| drop(delivery.explain(conn).unwrap()),
    ),
    (
        "record by id",
        &["events_idempotency_key_idx", "deliveries_pkey"],
        |conn, delivery| {
            let opened = event(EventType::Opened, 3)
                .delivery(delivery.id)
                .idempotency_key("fresh");
            assert!(!ledger::record(conn, &[opened]).unwrap()[0].is_replay());
        },
    ),
    (
        "record by message",
        &[
            "events_idempotency_key_idx",
            "deliveries_provider_msg_id_idx",
            "deliveries_pkey",
        ],
        |conn, _| {
            let opened = event(EventType::Opened, 3).provider_message("postmark", "m-1");
            let batch = [opened.clone().idempotency_key("one"), opened.idempotency_key("two")];
            let appended = ledger::record(conn, &batch).unwrap();
            assert!(appended.iter().all(|appended| appended.event().delivery_id.is_some()));
        },
    ),
    ("a replay", &["events_idempotency_key_idx"], |conn, delivery| {
        let sent = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("ours");
        assert!(ledger::record(conn, &[sent]).unwrap()[0].is_replay());
    }),
    (
        "a sweep",
        &[
            "event_links_pending_idx",
            "event_links_pkey",
            "events_pkey",
            "deliveries_provider_msg_id_idx",
        ],
        |conn, _| {
            let early = event(EventType::Opened, 3)
                .provider_message("postmark", "m-2")
                .idempotency_key("early");
            ledger::record(conn, &[early]).unwrap();
            let late = to("late@example.com").provider("postmark").provider_message_id("m-2");
            late.insert(conn).unwrap();
            assert_eq!(sweep(conn, &eager()).unwrap().linked, 1);
        },
    ),
    (
        "mark_dispatched",
        &["deliveries_pkey", "event_links_pending_message_idx"],
        |conn, _| drop(delivery(conn).mark_dispatched(conn, "postmark", "m-3", at(4)).unwrap()),
    ),
    (
        "mark_dispatched with an early event",
        &[
            "deliveries_pkey",
            "event_links_pending_message_idx",
            "event_links_pkey",
            "events_pkey",
            "deliveries_provider_msg_id_idx",
        ],
        |conn, _| {
            let early = event(EventType::Opened, 3).provider_message("postmark", "m-4");
            ledger::record(conn, &[early]).unwrap();
            let sent = delivery(conn).mark_dispatched(conn, "postmark", "m-4", at(4)).unwrap();
            assert_eq!(sent.status, DeliveryStatus::Sent);
        },
    ),
    (
        "rebuild",
        &["deliveries_pkey", "events_delivery_idx", "event_links_delivery_idx"],
        |conn, delivery| drop(rebuild(conn, TENANT, delivery.id).unwrap()),
    ),
    ("insert_all", &["deliveries_idempotency_key_unique_idx"], |conn, _| {
        let again = to("ann@example.com").idempotency_key("again");
        let batch = [again.clone(), again];
        assert!(NewDelivery::insert_all(conn, &batch).unwrap()[1].is_replay());
    }),
    ("update", &["deliveries_pkey"], |conn, delivery| {
        drop(
            reload(conn, delivery)
                .update(conn, &DeliveryChanges::default())
                .unwrap(),
        );
    }),
];

/// Runs `work` in a transaction and rolls it back.
fn rolled_back<T>(conn: &mut PgConnection, work: impl FnOnce(&mut PgConnection) -> T) -> T {
    let mut done = None;
    let outcome = conn.transaction::<(), _, _>(|conn| {
        done = Some(work(conn));
        Err(diesel::result::Error::RollbackTransaction)
    });
    assert_eq!(outcome, Err(diesel::result::Error::RollbackTransaction));
    done.unwrap()
}

/// Makes each call, rolls it back, and compares the scanned indexes and tables.
fn assert_calls_use_their_indexes(conn: &mut PgConnection, delivery: &Delivery, when: &str) {
    for (name, indexes, call) in CALLS {
        let scanned: BTreeSet<String> = rolled_back(conn, |conn| {
            let before = scans(conn);
            call(conn, delivery);
            (scans(conn).into_iter())
                .filter(|(relation, scans)| *scans > before[relation])
                .map(|(relation, _)| relation.replace("mailglass_", ""))
                .collect()
        });
        for table in ["deliveries", "events", "event_links"] {
            assert!(!scanned.contains(table), "{name} scans {table} sequentially {when}");
        }
        for index in indexes {
            assert!(
                scanned.contains(*index),
                "{name} uses {scanned:?} instead of {index} {when}"
            );
        }
    }
}

#[test]
fn every_call_uses_its_indexes_with_a_million_events_in_the_ledger() {
    let (database, mut conn) = connected();
    // The calls below are rolled back and leave dead rows. A VACUUM would tell the planner that the tables are tiny.
    for table in ["deliveries", "events", "event_links"] {
        conn.batch_execute(&format!(
            "ALTER TABLE mailglass_{table} SET (autovacuum_enabled = false)"
        ))
        .unwrap();
    }
    let early = event(EventType::Delivered, 2).provider_message("postmark", "m-1");
    ledger::record(&mut conn, &[early]).unwrap();
    let new = to("ann@example.com").provider("postmark").provider_message_id("m-1");
    let delivery = insert(&mut conn, &new);
    assert_eq!(sweep(&mut conn, &eager()).unwrap().linked, 1);
    let ours = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("ours");
    ledger::record(&mut conn, &[ours]).unwrap();
    // Postgres may choose a generic plan after five executions.
    for _ in 0..6 {
        for (_, _, call) in CALLS {
            rolled_back(&mut conn, |conn| call(conn, &delivery));
        }
    }

    let mut other = connect(&database);
    other.batch_execute(GROW).unwrap();
    assert_calls_use_their_indexes(&mut conn, &delivery, "with cached plans");
    other.batch_execute("ANALYZE").unwrap();
    assert_calls_use_their_indexes(&mut conn, &delivery, "after ANALYZE");
    assert_calls_use_their_indexes(&mut connect(&database), &delivery, "on a new connection");
}

/// A connection keeps the plans that it made while the tables were small until the tables are analyzed.
#[test]
fn plans_made_for_an_empty_ledger_read_few_rows_of_a_large_one() {
    let (database, mut conn) = connected();
    let new = to("ann@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .idempotency_key("ours");
    let ours = insert(&mut conn, &new);
    let work = |conn: &mut PgConnection| {
        let opened = event(EventType::Opened, 3);
        let events = [
            opened.clone().delivery(ours.id),
            opened.clone().provider_message("postmark", "m-1"),
            opened.idempotency_key("replayed"),
        ];
        for event in events {
            ledger::record(conn, &[event]).unwrap();
        }
        new.insert(conn).unwrap();
        assert!(
            ours.update(conn, &DeliveryChanges::default())
                .unwrap_err()
                .is_stale_entry()
        );
        ours.timeline(conn).unwrap();
        rebuild(conn, TENANT, ours.id).unwrap();
    };
    // Postgres may choose a generic plan after five executions.
    for _ in 0..6 {
        work(&mut conn);
    }
    let mut other = connect(&database);
    let batch: Vec<NewDelivery> = (0..5_000).map(|n| to(&format!("r{n}@example.com"))).collect();
    NewDelivery::insert_all(&mut other, &batch).unwrap();
    conn.transaction::<_, mailglass::Error, _>(|conn| {
        let before = rows_read(conn);
        work(conn);
        let read = rows_read(conn) - before;
        assert!(
            read < 200,
            "{read} rows read for a delivery with 20 events among 5,000 others"
        );
        Ok(())
    })
    .unwrap();
}

/// No index covers the columns that every event changes, so Postgres can make a heap-only (HOT) update.
#[test]
fn a_projection_writes_to_no_index_until_the_delivery_is_terminal() {
    /// The number of updates of deliveries in the current transaction, and how many of them were heap-only.
    fn updates(conn: &mut PgConnection) -> [i64; 2] {
        let counted = "(SELECT ARRAY[n_tup_upd, n_tup_hot_upd] FROM pg_stat_xact_user_tables
                         WHERE relname = 'mailglass_deliveries')";
        let counted: Vec<i64> = diesel::select(sql::<Array<BigInt>>(counted)).get_result(conn).unwrap();
        counted.try_into().unwrap()
    }

    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let mut updates_by = |event_type: EventType| {
        let made = conn.transaction::<_, mailglass::Error, _>(|conn| {
            let before = updates(conn);
            let seconds = event_type.lifecycle_rank() as i64;
            ledger::record(conn, &[event(event_type, seconds).delivery(delivery.id)])?;
            let after = updates(conn);
            Ok([after[0] - before[0], after[1] - before[1]])
        });
        made.unwrap()
    };
    for event_type in [EventType::Sent, EventType::Opened, EventType::Clicked] {
        assert_eq!(updates_by(event_type), [1, 1], "{event_type}");
    }
    assert_eq!(updates_by(EventType::Complained), [1, 0]);
}
