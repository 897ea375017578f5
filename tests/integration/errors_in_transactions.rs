//! After a typed error, the caller's transaction is usable and keeps everything that it wrote before the call.

use diesel::prelude::*;
use mailglass::migrations::{DataLoss, redo, revert_to};
use mailglass::projection::rebuild;
use mailglass::{Delivery, DeliveryChanges, Error, EventType, NewDelivery, NewEvent, Stream, ledger};
use uuid::Uuid;

use crate::support::{TENANT, at, connected, event, insert, to};

/// The deliveries that exist before each call.
struct Deliveries {
    ann: Delivery,
    bob: Delivery,
    deleted: Delivery,
}

fn with_message(recipient: &str, message: &str) -> NewDelivery {
    to(recipient).provider("ses").provider_message_id(message)
}

fn insert_deliveries(conn: &mut PgConnection) -> Deliveries {
    let ann = with_message("ann@example.com", "m-1").idempotency_key("ann");
    let bob = insert(conn, &to("bob@example.com"));
    let deleted = insert(conn, &to("bob@example.com"));
    diesel::delete(mailglass::schema::mailglass_deliveries::table.find(deleted.id))
        .execute(conn)
        .unwrap();
    let theirs = NewDelivery::new("other", "welcome", Stream::Bulk, "eve@example.com").idempotency_key("theirs");
    theirs.insert(conn).unwrap();
    let taken = NewEvent::new("other", EventType::Opened, at(1)).idempotency_key("their event");
    ledger::record(conn, &[taken]).unwrap();
    ledger::record(conn, &[event(EventType::Opened, 1).idempotency_key("our event")]).unwrap();
    Deliveries {
        ann: insert(conn, &ann),
        bob,
        deleted,
    }
}

type Predicate = fn(&Error) -> bool;

type Call = fn(&mut PgConnection, &Deliveries) -> Result<(), Error>;

fn try_insert(delivery: NewDelivery, conn: &mut PgConnection) -> Result<(), Error> {
    delivery.insert(conn).map(drop)
}

fn message(message: &str) -> DeliveryChanges {
    DeliveryChanges {
        provider: Some(Some("ses".to_owned())),
        provider_message_id: Some(Some(message.to_owned())),
        ..DeliveryChanges::default()
    }
}

/// Each function that takes a connection, with each typed error that it can return.
const CALLS: &[(&str, Predicate, Call)] = &[
    ("insert: fields", Error::is_invalid, |conn, _| {
        try_insert(to("ann@"), conn)
    }),
    ("insert: id", Error::is_invalid, |conn, deliveries| {
        try_insert(to("c@example.com").id(deliveries.bob.id), conn)
    }),
    ("insert: message", Error::is_invalid, |conn, _| {
        try_insert(with_message("ann@example.com", "m-1"), conn)
    }),
    ("insert: keyed message", Error::is_invalid, |conn, _| {
        try_insert(with_message("ann@example.com", "m-1").idempotency_key("other"), conn)
    }),
    ("insert: key", Error::is_idempotency_conflict, |conn, _| {
        try_insert(to("c@example.com").idempotency_key("ann"), conn)
    }),
    ("insert: their key", Error::is_idempotency_conflict, |conn, _| {
        try_insert(to("eve@example.com").idempotency_key("theirs"), conn)
    }),
    ("insert_all: fields", Error::is_invalid, |conn, _| {
        NewDelivery::insert_all(conn, &[to("c@example.com"), to("")]).map(drop)
    }),
    ("insert_all: message", Error::is_invalid, |conn, _| {
        let batch = [to("c@example.com"), with_message("ann@example.com", "m-1")];
        NewDelivery::insert_all(conn, &batch).map(drop)
    }),
    ("insert_all: message twice", Error::is_invalid, |conn, _| {
        let twice = with_message("c@example.com", "m-2");
        NewDelivery::insert_all(conn, &[twice.clone(), twice]).map(drop)
    }),
    ("insert_all: id", Error::is_invalid, |conn, deliveries| {
        let batch = [to("c@example.com"), to("c@example.com").id(deliveries.bob.id)];
        NewDelivery::insert_all(conn, &batch).map(drop)
    }),
    ("insert_all: key", Error::is_idempotency_conflict, |conn, _| {
        let batch = [to("c@example.com"), to("c@example.com").idempotency_key("ann")];
        NewDelivery::insert_all(conn, &batch).map(drop)
    }),
    ("record: fields", Error::is_invalid, |conn, _| {
        ledger::record(conn, &[event(EventType::Opened, 1).idempotency_key("")]).map(drop)
    }),
    ("record: key", Error::is_idempotency_conflict, |conn, _| {
        ledger::record(conn, &[event(EventType::Clicked, 1).idempotency_key("our event")]).map(drop)
    }),
    ("record: their key", Error::is_idempotency_conflict, |conn, _| {
        ledger::record(conn, &[event(EventType::Opened, 1).idempotency_key("their event")]).map(drop)
    }),
    (
        "record: key in a batch",
        Error::is_idempotency_conflict,
        |conn, deliveries| {
            let batch = [
                event(EventType::Opened, 1).delivery(deliveries.ann.id),
                event(EventType::Clicked, 1).idempotency_key("our event"),
            ];
            ledger::record(conn, &batch).map(drop)
        },
    ),
    ("append: key", Error::is_idempotency_conflict, |conn, _| {
        ledger::append(conn, &[event(EventType::Clicked, 1).idempotency_key("our event")]).map(drop)
    }),
    ("record_each: fields", Error::is_invalid, |conn, _| {
        ledger::record_each(conn, &[event(EventType::Opened, 1).idempotency_key("")]).map(drop)
    }),
    ("record_batches: key", Error::is_idempotency_conflict, |conn, _| {
        let events = (1..=3).map(|seconds| event(EventType::Clicked, seconds).idempotency_key("our event"));
        ledger::record_batches(conn, events, 2).try_for_each(|batch| batch.map(drop))
    }),
    ("find", Error::is_not_found, |conn, deliveries| {
        Delivery::find(conn, TENANT, deliveries.deleted.id).map(drop)
    }),
    ("update: fields", Error::is_invalid, |conn, deliveries| {
        deliveries.bob.update(conn, &message("")).map(drop)
    }),
    ("update: message", Error::is_invalid, |conn, deliveries| {
        let carol = to("ann@example.com").insert(conn)?.into_delivery();
        assert_ne!(carol.id, deliveries.ann.id);
        carol.update(conn, &message("m-1")).map(drop)
    }),
    ("update: stale", Error::is_stale_entry, |conn, deliveries| {
        deliveries.bob.update(conn, &DeliveryChanges::default())?;
        deliveries.bob.update(conn, &message("m-3")).map(drop)
    }),
    ("update: gone", Error::is_not_found, |conn, deliveries| {
        deliveries.deleted.update(conn, &message("m-3")).map(drop)
    }),
    ("mark_dispatched: message", Error::is_invalid, |conn, _| {
        let carol = to("ann@example.com").insert(conn)?.into_delivery();
        carol.mark_dispatched(conn, "ses", "m-1", at(3)).map(drop)
    }),
    ("mark_dispatched: stale", Error::is_stale_entry, |conn, deliveries| {
        deliveries.bob.update(conn, &DeliveryChanges::default())?;
        deliveries.bob.mark_dispatched(conn, "ses", "m-4", at(3)).map(drop)
    }),
    ("mark_dispatched: time", Error::is_invalid, |conn, deliveries| {
        deliveries
            .bob
            .mark_dispatched(conn, "ses", "m-4", at(-20_000 * 86_400 - 1))
            .map(drop)
    }),
    (
        "mark_dispatched: suppressed",
        Error::is_step_rejected,
        |conn, deliveries| {
            let suppressed = deliveries.bob.mark_suppressed(conn, None, at(3))?;
            suppressed.mark_dispatched(conn, "ses", "m-4", at(3)).map(drop)
        },
    ),
    ("mark_failed: gone", Error::is_not_found, |conn, deliveries| {
        deliveries
            .deleted
            .mark_failed(conn, serde_json::json!({}), at(3))
            .map(drop)
    }),
    ("mark_failed: error", Error::is_invalid, |conn, deliveries| {
        deliveries.bob.mark_failed(conn, serde_json::json!([]), at(3)).map(drop)
    }),
    ("mark_suppressed: stale", Error::is_stale_entry, |conn, deliveries| {
        deliveries.bob.mark_suppressed(conn, None, at(3))?;
        deliveries.bob.mark_suppressed(conn, None, at(3)).map(drop)
    }),
    ("rebuild", Error::is_not_found, |conn, _| {
        rebuild(conn, TENANT, Uuid::now_v7()).map(drop)
    }),
    ("revert_to: version", Error::is_invalid, |conn, _| {
        revert_to(conn, Some("1"), DataLoss::Accept).map(drop)
    }),
    ("revert_to: rows", Error::is_would_lose_data, |conn, _| {
        revert_to(conn, None, DataLoss::Reject).map(drop)
    }),
    ("redo: rows", Error::is_would_lose_data, |conn, _| {
        diesel::sql_query(
            "INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, reason)
             VALUES (gen_random_uuid(), 'acme', 'address', sha256(''), 'manual')",
        )
        .execute(conn)?;
        redo(conn, DataLoss::Reject).map(drop)
    }),
];

#[test]
fn a_typed_error_keeps_the_transaction_and_everything_before_the_call() {
    let (_database, mut conn) = connected();
    let deliveries = insert_deliveries(&mut conn);
    for (number, (name, is_expected, call)) in CALLS.iter().enumerate() {
        let [before, after] = ["before", "after"].map(|when| format!("{when}-{number}@example.com"));
        let both = conn.transaction::<_, Error, _>(|conn| {
            let before = to(&before).insert(conn)?.into_delivery();
            // The caller continues after the error. A savepoint is rolled back, so that every call finds the same rows.
            let refused = conn.transaction::<(), Error, _>(|conn| {
                let error = call(conn, &deliveries).expect_err(name);
                assert!(is_expected(&error), "{name}: {error:?}");
                to("inside@example.com")
                    .insert(conn)
                    .unwrap_or_else(|error| panic!("{name}: {error:?}"));
                Err(diesel::result::Error::RollbackTransaction.into())
            });
            assert!(refused.unwrap_err().is_database(), "{name}");
            Ok([before, to(&after).insert(conn)?.into_delivery()])
        });
        for delivery in both.unwrap_or_else(|error| panic!("{name}: {error:?}")) {
            assert_eq!(
                Delivery::find(&mut conn, TENANT, delivery.id).unwrap(),
                delivery,
                "{name}"
            );
        }
    }
    assert_eq!(mailglass::projection::verify(&mut conn, TENANT).unwrap(), []);
}
