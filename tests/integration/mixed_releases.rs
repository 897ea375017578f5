//! The code of one release with the database of another, as during a deployment. See "What a change means for you" in
//! `api_stability.md`.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error::DeserializationError;
use mailglass::reconciler::sweep;
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::{Delivery, Error, Event, EventType, NewDelivery, contract, ledger, projection};

use crate::support::{TENANT, at, connected, delivery, eager, event, insert, reload, sweep_now, to};

/// If the code is deployed before the migration, labels that this build knows but doesn't write may be missing.
#[test]
fn a_newer_build_works_with_a_database_that_lacks_its_labels() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // Pretend that a later migration adds these labels.
    conn.batch_execute(
        "DELETE FROM pg_enum WHERE (enumtypid, enumlabel) IN (
             ('mailglass_event_type'::regtype, 'subscribed'),
             ('mailglass_event_type'::regtype, 'clicked'),
             ('mailglass_delivery_status'::regtype, 'suppressed'),
             ('mailglass_stream'::regtype, 'bulk'),
             ('mailglass_reject_reason'::regtype, 'other')
         )",
    )
    .unwrap();
    assert_eq!(contract::verify(conn).unwrap().len(), 5);

    let delivery = delivery(conn);
    let bob = NewDelivery::insert_all(conn, &[to("bob@example.com")]).unwrap();
    assert_eq!(bob.len(), 1);
    let delivery = delivery.mark_dispatched(conn, "ses", "m1", at(1)).unwrap();
    ledger::record(conn, &[event(EventType::Delivered, 5).delivery(delivery.id)]).unwrap();
    let early = event(EventType::Opened, 6).provider_message("ses", "m2");
    ledger::record(conn, &[early]).unwrap();
    assert_eq!(sweep(conn, &eager()).unwrap().waiting, 1);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
    assert_eq!(delivery.timeline(conn).unwrap().len(), 3);
    assert_eq!(reload(conn, &delivery).last_event_type, EventType::Delivered);
}

/// An older build fails to load a row with an unknown label, and never mistakes the label for another one. It can still
/// record events, and does not overwrite values that it can't rank.
#[test]
fn an_older_build_does_not_load_or_overwrite_a_newer_label() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    conn.batch_execute(
        "ALTER TYPE mailglass_event_type ADD VALUE 'parked';
         ALTER TYPE mailglass_delivery_status ADD VALUE 'parked'",
    )
    .unwrap();
    // The rows that a newer build would write.
    let id = delivery.id;
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
         VALUES (gen_random_uuid(), 'acme', '{id}', 'parked', now() - interval '1 hour');
         UPDATE mailglass_deliveries
         SET last_event_type = 'parked', last_event_at = now() - interval '1 hour', status = 'parked'",
    ))
    .unwrap();

    let read = mailglass_deliveries::table.select(Delivery::as_select()).load(conn);
    assert!(matches!(read, Err(DeserializationError(_))), "{read:?}");
    let read = mailglass_events::table.select(Event::as_select()).load(conn);
    assert!(matches!(read, Err(DeserializationError(_))), "{read:?}");
    let found = Delivery::find(conn, TENANT, id);
    assert!(
        matches!(found, Err(Error::Database(DeserializationError(_)))),
        "{found:?}"
    );

    ledger::record(conn, &[event(EventType::Delivered, 5).delivery(id)]).unwrap();
    let text = "last_event_type::text || ' ' || status::text || ' ' || (delivered_at IS NOT NULL)::text";
    let row: String = mailglass_deliveries::table
        .select(diesel::dsl::sql::<diesel::sql_types::Text>(text))
        .first(conn)
        .unwrap();
    assert_eq!(row, "parked parked true");
}

/// Inserts an event of a type that this build does not know.
fn insert_newer_event(conn: &mut PgConnection, delivery: &str, needs_reconciliation: bool) {
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, metadata, needs_reconciliation)
         VALUES (gen_random_uuid(), 'acme', {delivery}, 'parked', '2026-01-01',
                 '{{\"provider\": \"ses\", \"provider_message_id\": \"m-1\"}}', {needs_reconciliation})"
    ))
    .unwrap();
}

#[test]
fn an_event_with_an_unknown_label_is_linked_and_left_out_of_every_fold() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute("ALTER TYPE mailglass_event_type ADD VALUE 'parked'")
        .unwrap();
    insert_newer_event(conn, "NULL", true);
    let early = event(EventType::Delivered, 2).provider_message("ses", "m-1");
    ledger::record(conn, &[early]).unwrap();
    let delivery = insert(conn, &to("ann@example.com").provider("ses").provider_message_id("m-1"));
    assert_eq!(sweep_now(conn).linked, 2);
    let swept = reload(conn, &delivery);
    assert_eq!(
        (swept.last_event_type, swept.last_event_at),
        (EventType::Delivered, at(2))
    );

    insert_newer_event(conn, &format!("'{}'", delivery.id), false);
    ledger::record(conn, &[event(EventType::Opened, 3).delivery(delivery.id)]).unwrap();
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    let rebuilt = projection::rebuild(conn, TENANT, delivery.id).unwrap();
    assert_eq!(rebuilt.last_event_type, EventType::Opened);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
}
