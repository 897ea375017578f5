//! One bad delivery stops no sweep.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::projection::{self, Projection, fold};
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, DeliveryChanges, EventType, NewDelivery, ledger};

use crate::support::{TENANT, at, connected, eager, event, reload, sweep_now, to};

fn sent(message: &str) -> NewDelivery {
    to("ann@example.com").provider("ses").provider_message_id(message)
}

/// Adds an event of a type that this build doesn't know.
fn newer_event(conn: &mut PgConnection, delivery: &str, provider_message: &str, waits: bool) {
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, metadata, needs_reconciliation)
         VALUES (gen_random_uuid(), 'acme', {delivery}, 'reconciled', '2026-01-01',
                 '{{\"provider\": \"ses\", \"provider_message_id\": \"{provider_message}\"}}', {waits})"
    ))
    .unwrap();
}

#[test]
fn a_label_that_this_build_does_not_know_is_left_out_of_every_fold() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute("ALTER TYPE mailglass_event_type ADD VALUE 'reconciled'")
        .unwrap();
    newer_event(conn, "NULL", "m-1", true);
    let early = event(EventType::Delivered, 2).provider_message("ses", "m-1");
    ledger::record(conn, &[early]).unwrap();
    let delivery = sent("m-1").insert(conn).unwrap().into_delivery();
    assert_eq!(sweep_now(conn).linked, 2);
    let swept = reload(conn, &delivery);
    assert_eq!(
        (swept.last_event_type, swept.last_event_at),
        (EventType::Delivered, at(2))
    );

    newer_event(conn, &format!("'{}'", delivery.id), "m-1", false);
    ledger::record(conn, &[event(EventType::Opened, 3).delivery(delivery.id)]).unwrap();
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    let rebuilt = projection::rebuild(conn, TENANT, delivery.id).unwrap();
    assert_eq!(rebuilt.last_event_type, EventType::Opened);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
}

#[test]
fn lock_version_starts_again_after_its_last_value() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let last = |conn: &mut PgConnection| -> Delivery {
        let row = sent("m-1").idempotency_key("one").insert(conn).unwrap().into_delivery();
        diesel::update(&row)
            .set(mailglass_deliveries::lock_version.eq(i32::MAX))
            .execute(conn)
            .unwrap();
        reload(conn, &row)
    };
    let row = last(conn);
    assert_eq!(row.update(conn, &DeliveryChanges::default()).unwrap().lock_version, 1);
    let row = last(conn);
    ledger::record(conn, &[event(EventType::Sent, 1).delivery(row.id)]).unwrap();
    assert_eq!(reload(conn, &row).lock_version, 1);
    assert!(
        row.update(conn, &DeliveryChanges::default())
            .unwrap_err()
            .is_stale_entry()
    );
}

#[test]
fn a_sweep_goes_on_without_what_the_database_refuses() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // Somebody's trigger, for instance.
    conn.batch_execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON mailglass_deliveries
             FOR EACH ROW WHEN (OLD.provider_message_id IN ('m-3', 'm-7')) EXECUTE FUNCTION refuse()",
    )
    .unwrap();
    let early: Vec<_> = (0..10)
        .map(|number| event(EventType::Opened, number).provider_message("ses", format!("m-{number}")))
        .collect();
    let events = ledger::record(conn, &early).unwrap();
    let deliveries: Vec<Delivery> = (0..10)
        .map(|number| sent(&format!("m-{number}")).insert(conn).unwrap().into_delivery())
        .collect();

    // Inside a transaction of the caller's, too.
    let report = conn.transaction(|conn| sweep(conn, &eager())).unwrap();
    assert_eq!((report.linked, report.waiting, report.expired), (8, 0, 0));
    let mut failed: Vec<_> = report
        .failed
        .iter()
        .map(|failed| (failed.event_id, failed.delivery_id))
        .collect();
    failed.sort();
    let expected = [3, 7].map(|number: usize| (events[number].event().id, Some(deliveries[number].id)));
    assert_eq!(failed, expected);
    assert!(report.failed[0].error.contains("not this one"));

    // They wait behind the others, and are linked once nothing refuses them.
    let one = SweepOptions { limit: 1, ..eager() };
    let late = event(EventType::Opened, 1).provider_message("ses", "m-10");
    ledger::record(conn, &[late]).unwrap();
    sent("m-10").insert(conn).unwrap();
    let outcomes: Vec<_> = (0..3).map(|_| sweep(conn, &one).unwrap()).collect();
    assert_eq!(outcomes.iter().map(|report| report.linked).sum::<i64>(), 1);
    conn.batch_execute("DROP TRIGGER refuse ON mailglass_deliveries")
        .unwrap();
    assert_eq!(sweep_now(conn).linked, 2);
    for delivery in deliveries {
        let row = reload(conn, &delivery);
        assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
    }
}
