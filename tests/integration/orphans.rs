//! Orphans: an event whose delivery is missing is recorded with a pending link, and a sweep links it later.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use mailglass::ledger;
use mailglass::projection::{Projection, fold, rebuild};
use mailglass::reconciler::SweepReport;
use mailglass::schema::mailglass_event_links::dsl as links;
use mailglass::{DeliveryStatus, EventType, NewDelivery, Stream};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    TENANT, at, connect, connected, event, insert, linked, record_one, reload, sweep_now, to, waiting, waiting_reasons,
};

#[test]
fn a_linked_orphan_is_projected_with_its_own_type_and_time() {
    let (_database, mut conn) = connected();
    let bounced = event(EventType::Bounced, 7)
        .provider_message("postmark", "m-1")
        .idempotency_key("k");
    let orphan = record_one(&mut conn, bounced);
    assert!(orphan.needs_reconciliation);
    assert_eq!(orphan.delivery_id, None);
    assert_eq!(waiting_reasons(&mut conn), ["no_delivery"]);
    assert_eq!(sweep_now(&mut conn), waiting(1));

    let new = to("ann@example.com").provider("postmark").provider_message_id("m-1");
    let delivery = insert(&mut conn, &new);
    assert_eq!(sweep_now(&mut conn), linked(1));
    let now = reload(&mut conn, &delivery);
    assert_eq!((now.status, now.bounced_at), (DeliveryStatus::Failed, Some(at(7))));
    assert_eq!((now.last_event_type, now.last_event_at), (EventType::Bounced, at(7)));
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport::default(),
        "a linked event is not swept again"
    );

    let timeline = now.timeline(&mut conn).unwrap();
    let types: Vec<_> = timeline.iter().map(|event| event.type_).collect();
    assert_eq!(types, [EventType::Queued, EventType::Bounced]);
    assert_eq!(timeline[1], orphan, "linking does not change the event");
    assert_eq!(fold(&timeline), Some(Projection::from(&now)));
    assert_eq!(rebuild(&mut conn, TENANT, now.id).unwrap(), now);
}

#[test]
fn record_finds_an_existing_delivery_by_metadata_or_by_payload() {
    let (_database, mut conn) = connected();
    let delivery = insert(
        &mut conn,
        &to("ann@example.com").provider("sendgrid").provider_message_id("m-1"),
    );
    let named = json!({ "provider": "sendgrid", "provider_message_id": "m-1" });
    let events = [
        event(EventType::Delivered, 1).provider_message("sendgrid", "m-1"),
        event(EventType::Opened, 2).metadata(named.clone()),
        event(EventType::Opened, 2)
            .metadata(json!({ "provider": null }))
            .provider_message("sendgrid", "m-1"),
        event(EventType::Clicked, 3).normalized_payload(named),
        event(EventType::Complained, 4)
            .metadata(json!({ "provider": "sendgrid" }))
            .normalized_payload(json!({ "provider": "wrong", "provider_message_id": "m-1" })),
        event(EventType::Unsubscribed, 5)
            .provider_message("sendgrid", "m-1")
            .recipient("ANN@Example.com"),
    ];
    for appended in ledger::record(&mut conn, &events).unwrap() {
        assert_eq!(appended.event().delivery_id, Some(delivery.id));
        assert!(!appended.event().needs_reconciliation);
    }
    let now = reload(&mut conn, &delivery);
    assert_eq!(
        (now.last_event_type, now.complained_at),
        (EventType::Unsubscribed, Some(at(4)))
    );
    assert_eq!(waiting_reasons(&mut conn), [""; 0]);
}

#[test]
fn an_event_that_names_no_delivery_is_no_orphan() {
    let (_database, mut conn) = connected();
    let subscribed = event(EventType::Subscribed, 1)
        .recipient("ann@example.com")
        .metadata(json!({ "provider": "x" }));
    let recorded = record_one(&mut conn, subscribed);
    assert!(!recorded.needs_reconciliation);
    assert_eq!(waiting_reasons(&mut conn), [""; 0]);
}

#[test]
fn deliveries_with_one_message_id_are_distinguished_by_the_recipient() {
    let (_database, mut conn) = connected();
    let sent = |recipient| to(recipient).provider("sendgrid").provider_message_id("m-1");
    let ann = insert(&mut conn, &sent("ann@example.com"));
    let bob = insert(&mut conn, &sent("bob@example.com"));
    let opened = event(EventType::Opened, 1).provider_message("sendgrid", "m-1");
    let events = [
        opened.clone().recipient("Bob@EXAMPLE.com"),
        opened.clone().recipient("eve@example.com"),
        opened,
    ];
    let recorded = ledger::record(&mut conn, &events).unwrap();
    assert_eq!(recorded[0].event().delivery_id, Some(bob.id));
    assert_eq!(recorded[1].event().delivery_id, None);
    assert_eq!(recorded[2].event().delivery_id, None);
    assert_eq!(waiting_reasons(&mut conn), ["ambiguous", "no_delivery"]);
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            waiting: 1,
            ambiguous: 1,
            ..SweepReport::default()
        }
    );
    assert_eq!(reload(&mut conn, &ann), ann);

    // After the third recipient is inserted, one event is linked and the other remains ambiguous.
    sent("eve@example.com").insert(&mut conn).unwrap();
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            linked: 1,
            ambiguous: 1,
            ..SweepReport::default()
        }
    );
}

#[test]
fn another_tenants_delivery_with_the_same_message_id_is_never_linked() {
    let (_database, mut conn) = connected();
    let theirs = insert(
        &mut conn,
        &NewDelivery::new("other", "welcome", Stream::Transactional, "eve@example.com")
            .provider("postmark")
            .provider_message_id("m-1"),
    );
    let by_message = event(EventType::Delivered, 1).provider_message("postmark", "m-1");
    let by_id = event(EventType::Delivered, 1).delivery(theirs.id);
    for appended in ledger::record(&mut conn, &[by_message, by_id]).unwrap() {
        assert!(appended.event().needs_reconciliation);
    }
    assert_eq!(sweep_now(&mut conn), waiting(2));
    assert_eq!(reload(&mut conn, &theirs), theirs);
    assert_eq!(theirs.timeline(&mut conn).unwrap().len(), 1);
    assert_eq!(rebuild(&mut conn, "other", theirs.id).unwrap(), theirs);
}

#[test]
fn an_incomplete_provider_message_in_a_payload_is_malformed() {
    let (_database, mut conn) = connected();
    let payloads = [
        json!({ "provider_message_id": "m-1" }),
        json!({ "provider": "postmark", "provider_message_id": 17 }),
        json!({ "provider": "postmark", "provider_message_id": " " }),
        json!({ "provider": ["postmark"], "provider_message_id": "m-1" }),
    ];
    let events = payloads.map(|payload| event(EventType::Opened, 1).normalized_payload(payload));
    for appended in ledger::record(&mut conn, &events).unwrap() {
        assert!(appended.event().needs_reconciliation);
    }
    assert_eq!(waiting_reasons(&mut conn), ["malformed"; 4]);
    assert_eq!(sweep_now(&mut conn), waiting(4));
    assert_eq!(waiting_reasons(&mut conn), ["malformed"; 4]);
}

#[test]
fn an_event_may_name_a_delivery_before_it_is_inserted() {
    let (_database, mut conn) = connected();
    let id = Uuid::now_v7();
    let early = event(EventType::Delivered, 5).delivery(id);
    let recorded = record_one(&mut conn, early);
    assert_eq!((recorded.delivery_id, recorded.needs_reconciliation), (Some(id), true));
    assert_eq!(sweep_now(&mut conn), waiting(1));

    let delivery = insert(&mut conn, &to("ann@example.com").id(id));
    assert_eq!(sweep_now(&mut conn), linked(1));
    let now = reload(&mut conn, &delivery);
    assert_eq!((now.delivered_at, now.terminal), (Some(at(5)), true));
    assert_eq!(
        now.timeline(&mut conn).unwrap().len(),
        2,
        "the event names the delivery and is linked to it, but is listed once"
    );
    assert_eq!(rebuild(&mut conn, TENANT, id).unwrap(), now);
}

/// The delivery is inserted but not committed, so `record` does not see it.
#[test]
fn an_event_recorded_while_its_delivery_is_being_inserted_is_not_lost() {
    let (database, mut inserting) = connected();
    let mut recording = connect(&database);
    let id = Uuid::now_v7();
    AnsiTransactionManager::begin_transaction(&mut inserting).unwrap();
    let new = to("ann@example.com")
        .id(id)
        .provider("postmark")
        .provider_message_id("m-1");
    let delivery = insert(&mut inserting, &new);
    let events = [
        event(EventType::Delivered, 5).delivery(id),
        event(EventType::Opened, 6).provider_message("postmark", "m-1"),
    ];
    ledger::record(&mut recording, &events).unwrap();
    AnsiTransactionManager::commit_transaction(&mut inserting).unwrap();

    assert_eq!(reload(&mut recording, &delivery), delivery);
    assert_eq!(sweep_now(&mut recording), linked(2));
    let now = reload(&mut recording, &delivery);
    assert_eq!(
        (now.delivered_at, now.last_event_type),
        (Some(at(5)), EventType::Opened)
    );
}

#[test]
fn a_link_stores_its_delivery_and_the_time_of_linking() {
    let (_database, mut conn) = connected();
    ledger::record(
        &mut conn,
        &[event(EventType::Opened, 1).provider_message("postmark", "m-1")],
    )
    .unwrap();
    let delivery = insert(
        &mut conn,
        &to("ann@example.com").provider("postmark").provider_message_id("m-1"),
    );
    sweep_now(&mut conn);
    let (linked_to, since): (Option<Uuid>, bool) = links::mailglass_event_links
        .select((links::delivery_id, links::linked_at.is_not_null()))
        .get_result(&mut conn)
        .unwrap();
    assert_eq!((linked_to, since), (Some(delivery.id), true));
}
