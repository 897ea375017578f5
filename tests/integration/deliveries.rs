//! Deliveries are inserted with their first event, once for each idempotency key, and found within their tenant.

use diesel::prelude::*;
use mailglass::projection::{Projection, fold};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, DeliveryStatus, Error, EventType, Inserted, NewDelivery, Stream};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    TENANT, at, at_once, connect, connected, count_events, database, delivery, insert, reload, to, wrong_fields,
};

fn count_deliveries(conn: &mut PgConnection) -> i64 {
    mailglass_deliveries::table.count().get_result(conn).unwrap()
}

#[test]
fn an_inserted_delivery_has_the_given_fields_and_a_queued_event() {
    let (_database, mut conn) = connected();
    let delivery = insert(
        &mut conn,
        &NewDelivery::new(TENANT, "welcome", Stream::Operational, "\"a@b\"@Mail.Example.COM")
            .provider("postmark")
            .provider_message_id("m-1")
            .metadata(json!({ "campaign": "spring" }))
            .idempotency_key("acme:welcome:1"),
    );
    assert_eq!(delivery.tenant_id, TENANT);
    assert_eq!(delivery.stream, Stream::Operational);
    assert_eq!(delivery.recipient, "\"a@b\"@Mail.Example.COM");
    assert_eq!(delivery.recipient_domain, "mail.example.com");
    assert_eq!(delivery.provider_message_id.as_deref(), Some("m-1"));
    assert_eq!(delivery.metadata, json!({ "campaign": "spring" }));
    assert_eq!(
        (delivery.status, delivery.terminal, delivery.lock_version),
        (DeliveryStatus::Queued, false, 1)
    );
    assert_eq!(delivery.id.get_version_num(), 7);
    let timeline = delivery.timeline(&mut conn).unwrap();
    assert_eq!(timeline.len(), 1);
    assert_eq!(timeline[0].type_, EventType::Queued);
    assert_eq!(fold(&timeline), Some(Projection::from(&delivery)));
    assert_eq!(Delivery::find(&mut conn, TENANT, delivery.id).unwrap(), delivery);
}

#[test]
fn the_callers_id_is_kept_and_unique() {
    let (_database, mut conn) = connected();
    let id = Uuid::now_v7();
    assert_eq!(insert(&mut conn, &to("ann@example.com").id(id)).id, id);
    let again = to("ann@example.com").id(id).insert(&mut conn).unwrap_err();
    assert_eq!(wrong_fields(&again), ["id"]);
    assert_eq!(count_events(&mut conn), 1);
}

#[test]
fn another_tenants_delivery_is_not_found() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let error = Delivery::find(&mut conn, "other", delivery.id).unwrap_err();
    assert!(
        matches!(error, Error::NotFound { record: "delivery", id } if id == delivery.id),
        "{error:?}"
    );
}

#[test]
fn a_replayed_insert_returns_the_current_row_and_appends_no_event() {
    let (_database, mut conn) = connected();
    let new = to("ann@example.com").idempotency_key("k");
    let first = insert(&mut conn, &new);
    let moved = first.mark_dispatched(&mut conn, "postmark", "m-1", at(2)).unwrap();
    assert_eq!(insert(&mut conn, &new), moved);
    assert_eq!((count_deliveries(&mut conn), count_events(&mut conn)), (1, 2));
}

#[test]
fn a_batch_returns_rows_in_input_order_and_detects_replays_within_itself() {
    let (_database, mut conn) = connected();
    let batch = ["z", "a", "z", "m"].map(|key| to(&format!("{key}@example.com")).idempotency_key(key));
    let inserted = NewDelivery::insert_all(&mut conn, &batch).unwrap();
    let recipients: Vec<_> = inserted.iter().map(|row| row.delivery().recipient.as_str()).collect();
    assert_eq!(
        recipients,
        ["z@example.com", "a@example.com", "z@example.com", "m@example.com"]
    );
    let replays: Vec<_> = inserted.iter().map(Inserted::is_replay).collect();
    assert_eq!(replays, [false, false, true, false]);
    assert_eq!(inserted[0].delivery(), inserted[2].delivery());
    let again = NewDelivery::insert_all(&mut conn, &batch).unwrap();
    assert!(again.iter().all(Inserted::is_replay));
    assert_eq!((count_deliveries(&mut conn), count_events(&mut conn)), (3, 3));
}

#[test]
fn two_entries_of_a_batch_with_the_same_id_and_key_are_one_delivery() {
    let (_database, mut conn) = connected();
    let first = to("ann@example.com").id(Uuid::now_v7()).idempotency_key("k");
    let second = first.clone().first_event(EventType::Sent, at(9));
    let inserted = NewDelivery::insert_all(&mut conn, &[first, second]).unwrap();
    assert!(!inserted[0].is_replay() && inserted[1].is_replay());
    assert_eq!(
        inserted[0].delivery().last_event_at,
        at(0),
        "only the first entry is inserted"
    );
    assert_eq!(count_events(&mut conn), 1);
}

#[test]
fn two_entries_of_a_batch_with_the_same_id_and_different_keys_are_invalid() {
    let (_database, mut conn) = connected();
    let same = || to("ann@example.com").id(Uuid::from_u128(7));
    for batch in [
        [same(), same()],
        [same().idempotency_key("a"), same().idempotency_key("b")],
    ] {
        let error = NewDelivery::insert_all(&mut conn, &batch).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid input: [1].id is given to another delivery of the batch"
        );
    }
    assert_eq!((count_deliveries(&mut conn), count_events(&mut conn)), (0, 0));
}

#[test]
fn the_same_key_for_another_delivery_is_a_conflict_and_the_batch_is_not_inserted() {
    let (_database, mut conn) = connected();
    to("ann@example.com").idempotency_key("k").insert(&mut conn).unwrap();
    let cases = [
        (to("bob@example.com"), vec!["recipient"]),
        (
            NewDelivery::new(TENANT, "reset", Stream::Bulk, "ann@example.com"),
            vec!["mailable", "stream"],
        ),
        (
            NewDelivery::new("other", "welcome", Stream::Transactional, "ann@example.com"),
            vec!["tenant_id"],
        ),
    ];
    for (other, expected) in cases {
        let batch = [to("new@example.com"), other.idempotency_key("k")];
        let error = NewDelivery::insert_all(&mut conn, &batch).unwrap_err();
        let Error::IdempotencyConflict { key, index, fields } = error else {
            panic!("not a conflict: {error:?}");
        };
        assert_eq!(
            (key.as_str(), index, fields),
            ("k", 1, expected.into_iter().map(str::to_owned).collect())
        );
    }
    assert_eq!((count_deliveries(&mut conn), count_events(&mut conn)), (1, 1));
}

#[test]
fn deliveries_without_a_key_are_always_inserted() {
    let (_database, mut conn) = connected();
    let new = to("ann@example.com");
    assert_ne!(insert(&mut conn, &new).id, insert(&mut conn, &new).id);
}

#[test]
fn every_id_and_provider_message_that_is_taken_is_reported() {
    let (_database, mut conn) = connected();
    let sent = |recipient| to(recipient).provider("sendgrid").provider_message_id("m-1");
    let first = insert(&mut conn, &sent("ann@example.com"));
    let same_id = to("bob@example.com").id(first.id);
    let batch = [to("cas@example.com"), same_id, sent("ann@example.com")];
    let Err(Error::Invalid(invalid)) = NewDelivery::insert_all(&mut conn, &batch) else {
        panic!("the batch should be invalid");
    };
    let fields: Vec<_> = (invalid.fields().iter())
        .map(|field| (field.index, field.field.as_str()))
        .collect();
    assert_eq!(fields, [(Some(1), "id"), (Some(2), "provider_message_id")]);

    // A single delivery has no position.
    let Err(Error::Invalid(invalid)) = sent("ann@example.com").insert(&mut conn) else {
        panic!("the delivery should be invalid");
    };
    assert_eq!((invalid.fields().len(), invalid.fields()[0].index), (1, None));
    assert_eq!(count_deliveries(&mut conn), 1);
}

#[test]
fn a_provider_message_is_unique_for_each_recipient() {
    let (_database, mut conn) = connected();
    let sent = |recipient| to(recipient).provider("sendgrid").provider_message_id("m-1");
    sent("ann@example.com").insert(&mut conn).unwrap();
    sent("bob@example.com").insert(&mut conn).unwrap();
    assert_eq!(
        wrong_fields(&sent("bob@example.com").insert(&mut conn).unwrap_err()),
        ["provider_message_id"]
    );
    assert_eq!((count_deliveries(&mut conn), count_events(&mut conn)), (2, 2));
}

#[test]
fn eight_connections_inserting_the_same_batch_insert_each_delivery_once() {
    let database = database();
    let batch: Vec<_> = (0..300)
        .map(|n| to(&format!("r{n}@example.com")).idempotency_key(format!("k{n}")))
        .collect();
    let orders: Vec<_> = (0..8)
        .map(|worker| {
            let mut order = batch.clone();
            order.rotate_left(worker * 37);
            order
        })
        .collect();
    let created = at_once(&database, orders.len(), |worker, conn| {
        let inserted = NewDelivery::insert_all(conn, &orders[worker]).unwrap();
        inserted.iter().filter(|row| !row.is_replay()).count()
    });
    let created: usize = created.into_iter().sum();
    let mut conn = connect(&database);
    assert_eq!(
        (created, count_deliveries(&mut conn), count_events(&mut conn)),
        (300, 300, 300)
    );
}

#[test]
fn the_applications_queries_can_join_the_tables() {
    use mailglass::schema::mailglass_events;
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let joined: Vec<(Delivery, mailglass::Event)> = mailglass_deliveries::table
        .inner_join(mailglass_events::table.on(mailglass_events::delivery_id.eq(mailglass_deliveries::id.nullable())))
        .filter(mailglass_deliveries::stream.eq_any([Stream::Transactional, Stream::Bulk]))
        .filter(mailglass_events::type_.eq(EventType::Queued))
        .select((Delivery::as_select(), mailglass::Event::as_select()))
        .load(&mut conn)
        .unwrap();
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].0, reload(&mut conn, &delivery));
}
