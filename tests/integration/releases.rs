//! Two releases side by side: the code of one beside the database of the other, for as long as a deploy takes.
//! `api_stability.md`, "What a change means for you".

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error::DeserializationError;
use mailglass::reconciler::sweep;
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::{Delivery, Error, Event, EventType, NewDelivery, contract, ledger, projection};

use crate::support::{TENANT, connected, delivery, eager, event, reload, to};

/// "Deploy the code before the migration": to this build, labels that it knows and doesn't write may still be missing.
#[test]
fn a_newer_build_works_beside_a_database_that_lacks_its_labels() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // As if a later migration were to add them.
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
    let delivery = delivery
        .mark_dispatched(conn, "ses", "m1", crate::support::at(1))
        .unwrap();
    ledger::record(conn, &[event(EventType::Delivered, 5).delivery(delivery.id)]).unwrap();
    let early = event(EventType::Opened, 6).provider_message("ses", "m2");
    ledger::record(conn, &[early]).unwrap();
    assert_eq!(sweep(conn, &eager()).unwrap().waiting, 1);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
    assert_eq!(delivery.timeline(conn).unwrap().len(), 3);
    assert_eq!(reload(conn, &delivery).last_event_type, EventType::Delivered);
}

/// An older build reads no row that has a label which it doesn't know, and takes none for another. What it records still
/// lands, and leaves alone what it can't rank.
#[test]
fn an_older_build_refuses_to_read_a_newer_label_and_leaves_it_alone() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    conn.batch_execute(
        "ALTER TYPE mailglass_event_type ADD VALUE 'parked';
         ALTER TYPE mailglass_delivery_status ADD VALUE 'parked'",
    )
    .unwrap();
    // What a newer build would write.
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
