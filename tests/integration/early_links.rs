//! A delivery that learns its message id links the events that wait for it at once: as a sweep would, without one.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use mailglass::projection::{Projection, fold, rebuild};
use mailglass::reconciler::{SweepReport, sweep};
use mailglass::schema::mailglass_event_links::dsl as links;
use mailglass::{
    Delivery, DeliveryChanges, DeliveryStatus, EventType, NewDelivery, NewEvent, Stream, ledger, projection,
};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::support::generate::for_all;
use crate::support::{
    TENANT, at, connect, connected, delivery, eager, event, insert, linked, record_one, reload, rows_read, sweep_now,
    to, waiting, waiting_reasons,
};

fn delivered(message: &str) -> NewEvent {
    event(EventType::Delivered, 5).provider_message("ses", message)
}

fn learn(conn: &mut PgConnection, delivery: &Delivery, message: &str) -> Delivery {
    delivery.mark_dispatched(conn, "ses", message, at(2)).unwrap()
}

/// The delivery of each link, with whether the link still has a recipient.
fn link_of(conn: &mut PgConnection, event_id: Uuid) -> (Option<Uuid>, Option<String>) {
    links::mailglass_event_links
        .find(event_id)
        .select((links::delivery_id, links::recipient))
        .get_result(conn)
        .unwrap()
}

#[test]
fn mark_dispatched_links_the_events_that_wait_for_the_message() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = record_one(conn, delivered("m-1"));
    let other = record_one(conn, delivered("m-2"));
    let queued = delivery(conn);
    let sent = learn(conn, &queued, "m-1");
    assert_eq!((sent.status, sent.delivered_at), (DeliveryStatus::Sent, Some(at(5))));
    assert_eq!(reload(conn, &sent), sent, "the returned row is the current one");
    assert_eq!(link_of(conn, early.id).0, Some(sent.id));
    assert_eq!(link_of(conn, other.id).0, None);

    let timeline = sent.timeline(conn).unwrap();
    let types: Vec<_> = timeline.iter().map(|event| event.type_).collect();
    assert_eq!(types, [EventType::Queued, EventType::Dispatched, EventType::Delivered]);
    assert_eq!(fold(&timeline), Some(Projection::from(&sent)));
    assert_eq!(rebuild(conn, TENANT, sent.id).unwrap(), sent);
    assert_eq!(sweep_now(conn), waiting(1), "the other event waits for another message");
}

#[test]
fn an_update_that_sets_the_message_links_them_as_well() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = record_one(conn, delivered("m-1"));
    let message = DeliveryChanges {
        provider: Some(Some("ses".to_owned())),
        provider_message_id: Some(Some("m-1".to_owned())),
        ..DeliveryChanges::default()
    };
    let updated = delivery(conn).update(conn, &message).unwrap();
    assert_eq!((updated.status, updated.lock_version), (DeliveryStatus::Sent, 3));
    assert_eq!(link_of(conn, early.id).0, Some(updated.id));
    assert_eq!(reload(conn, &updated), updated);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

#[test]
fn an_event_that_names_a_recipient_waits_for_the_delivery_to_it() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let to_bob = record_one(conn, delivered("m-1").recipient("BOB@Example.com"));
    let queued = delivery(conn);
    let ann = learn(conn, &queued, "m-1");
    assert_eq!(ann.status, DeliveryStatus::Dispatched);
    let queued = insert(conn, &to("bob@example.com"));
    let bob = learn(conn, &queued, "m-1");
    assert_eq!(bob.status, DeliveryStatus::Sent);
    assert_eq!(
        link_of(conn, to_bob.id),
        (Some(bob.id), None),
        "the delivery has the recipient, so the link needs it no longer"
    );
}

#[test]
fn an_event_that_several_deliveries_fit_is_left_to_the_sweep() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = record_one(conn, delivered("m-1"));
    insert(conn, &to("bob@example.com").provider("ses").provider_message_id("m-1"));
    let queued = delivery(conn);
    assert_eq!(learn(conn, &queued, "m-1").status, DeliveryStatus::Dispatched);
    assert_eq!(link_of(conn, early.id).0, None);
    let ambiguous = SweepReport {
        ambiguous: 1,
        ..SweepReport::default()
    };
    assert_eq!(sweep_now(conn), ambiguous);
}

#[test]
fn a_link_that_a_sweep_has_locked_is_left_to_the_sweep() {
    let (database, mut conn) = connected();
    let mut sweeping = connect(&database);
    let early = record_one(&mut conn, delivered("m-1"));
    AnsiTransactionManager::begin_transaction(&mut sweeping).unwrap();
    assert_eq!(sweep_now(&mut sweeping), waiting(1));
    let queued = delivery(&mut conn);
    let dispatched = learn(&mut conn, &queued, "m-1");
    assert_eq!(
        dispatched.status,
        DeliveryStatus::Dispatched,
        "it does not wait for the sweep"
    );
    AnsiTransactionManager::commit_transaction(&mut sweeping).unwrap();
    assert_eq!(sweep_now(&mut conn), linked(1));
    assert_eq!(link_of(&mut conn, early.id).0, Some(dispatched.id));
}

#[test]
fn other_tenants_expired_unread_and_named_events_are_not_linked() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let theirs = NewEvent::new("other", EventType::Delivered, at(5)).provider_message("ses", "m-1");
    let named = delivered("m-1").delivery(Uuid::now_v7());
    let expired = delivered("m-1").idempotency_key("expired");
    let events = ledger::record(conn, &[theirs, named, expired]).unwrap();
    let ids: Vec<Uuid> = events.iter().map(|appended| appended.event().id).collect();
    diesel::update(links::mailglass_event_links.find(ids[2]))
        .set(links::expired_at.eq(diesel::dsl::now))
        .execute(conn)
        .unwrap();
    conn.batch_execute(
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, needs_reconciliation, metadata)
         VALUES (gen_random_uuid(), 'acme', 'opened', now(), true, '{\"provider\": \"ses\", \"provider_message_id\": \"m-1\"}')",
    )
    .unwrap();
    let queued = delivery(conn);
    assert_eq!(learn(conn, &queued, "m-1").status, DeliveryStatus::Dispatched);
    assert_eq!(waiting_reasons(conn), ["no_delivery", "no_delivery", "unread"]);
    assert_eq!(link_of(conn, ids[0]).0, None);
}

/// The message has been sent, so its id must be stored in any case.
#[test]
fn an_event_that_the_database_rejects_keeps_waiting_and_the_dispatch_is_recorded() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute("ALTER TABLE mailglass_deliveries ADD CHECK (delivered_at > dispatched_at)")
        .unwrap();
    record_one(conn, event(EventType::Delivered, 1).provider_message("ses", "m-1"));
    let queued = delivery(conn);
    let dispatched = learn(conn, &queued, "m-1");
    assert_eq!(dispatched.status, DeliveryStatus::Dispatched);
    assert_eq!(dispatched.provider_message_id.as_deref(), Some("m-1"));
    assert_eq!(sweep_now(conn).failed[0].delivery_id, Some(dispatched.id));
}

#[test]
fn a_sweep_returns_what_it_linked() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = ["m-1", "m-2"].map(|message| record_one(conn, delivered(message)));
    record_one(conn, delivered("m-3"));
    let deliveries = ["m-1", "m-2"].map(|message| {
        insert(
            conn,
            &to("ann@example.com").provider("ses").provider_message_id(message),
        )
    });
    let report = sweep(conn, &eager()).unwrap();
    let returned: Vec<_> = report
        .linked_events
        .iter()
        .map(|linked| (linked.delivery_id, linked.event_id))
        .collect();
    let expected = [0, 1].map(|position| (deliveries[position].id, early[position].id));
    assert_eq!((report.linked, returned), (2, expected.to_vec()));
    let json = serde_json::to_value(&report).unwrap();
    assert!(json.get("linked_events").is_none(), "{json}");
    assert!(sweep(conn, &eager()).unwrap().linked_events.is_empty());
}

/// The deliveries of a message, and the events that waited for it: the delivery that learns it last gets the events that a sweep
/// would give it.
#[test]
fn the_same_events_are_linked_as_by_a_sweep() {
    const RECIPIENTS: [&str; 4] = [
        "ann@example.com",
        "Ann@example.com",
        "ANN@example.com",
        "bob@example.com",
    ];
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let mut case = 0;
    let recipients = || prop::sample::subsequence(RECIPIENTS.to_vec(), 0..=3);
    let events = prop::collection::vec(prop::option::of(select(&RECIPIENTS[..])), 1..4);
    for_all(
        40,
        (recipients(), select(&RECIPIENTS[..]), events),
        |(others, last, events)| {
            case += 1;
            // The same world twice. In the second one, the events are recorded by a sweep.
            let [by_dispatch, by_sweep] = ["dispatch", "sweep"].map(|how| {
                let message = format!("{how}-{case}");
                let named = |recipient: &Option<&str>| {
                    let event = NewEvent::new(TENANT, EventType::Delivered, at(5)).provider_message("ses", &message);
                    match recipient {
                        Some(recipient) => event.recipient(*recipient),
                        None => event,
                    }
                };
                let batch: Vec<NewEvent> = events.iter().map(named).collect();
                let appended = ledger::record(conn, &batch).unwrap();
                let new = |recipient: &str| NewDelivery::new(TENANT, "welcome", Stream::Bulk, recipient);
                for other in others.iter().filter(|other| **other != last) {
                    insert(conn, &new(other).provider("ses").provider_message_id(&message));
                }
                let learns = if how == "dispatch" {
                    let queued = insert(conn, &new(last));
                    learn(conn, &queued, &message)
                } else {
                    let sent = insert(conn, &new(last).provider("ses").provider_message_id(&message));
                    sweep(conn, &eager()).unwrap();
                    sent
                };
                let ids = appended.iter().map(|appended| appended.event().id);
                ids.map(|id| link_of(conn, id).0 == Some(learns.id))
                    .collect::<Vec<bool>>()
            });
            prop_assert_eq!(by_dispatch, by_sweep);
            Ok(())
        },
    );
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

/// A connection keeps the plan that it made while the tables were empty.
#[test]
fn a_dispatch_reads_few_of_the_links_that_wait() {
    let (database, mut conn) = connected();
    for number in 0..6 {
        let queued = delivery(&mut conn);
        learn(&mut conn, &queued, &format!("before-{number}"));
    }
    connect(&database)
        .batch_execute(
            "INSERT INTO mailglass_event_links (event_id, tenant_id, waiting_reason, provider, provider_message_id)
             SELECT gen_random_uuid(), 'acme', 'no_delivery', 'ses', 'p' || n FROM generate_series(1, 20000) AS n",
        )
        .unwrap();
    let dispatch = |conn: &mut PgConnection, message: &str| {
        let mut read = 0;
        conn.transaction::<_, mailglass::Error, _>(|conn| {
            let before = rows_read(conn);
            let queued = delivery(conn);
            learn(conn, &queued, message);
            read = rows_read(conn) - before;
            Ok(())
        })
        .unwrap();
        read
    };
    for when in ["with plans for empty tables", "after ANALYZE"] {
        let read = dispatch(&mut conn, &format!("nothing waits {when}"));
        assert!(read < 200, "{read} rows read {when}");
        record_one(&mut conn, delivered(when));
        let read = dispatch(&mut conn, when);
        assert!(read < 200, "{read} rows read {when}, with an event that waits");
        conn.batch_execute("ANALYZE").unwrap();
    }
}
