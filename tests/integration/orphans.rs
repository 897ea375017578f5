//! R10, R12: an event whose delivery isn't there lands all the same, waits beside the ledger and is linked later.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use mailglass::ledger;
use mailglass::projection::{Projection, fold, rebuild};
use mailglass::reconciler::SweepReport;
use mailglass::schema::mailglass_event_links::dsl as links;
use mailglass::{DeliveryStatus, EventType, NewDelivery, Stream};
use serde_json::json;
use uuid::Uuid;

use crate::support::{TENANT, at, connect, connected, delivery, event, reload, sweep_now, to, waiting_reasons};

const LINKED: SweepReport = SweepReport {
    linked: 1,
    waiting: 0,
    ambiguous: 0,
    expired: 0,
    failed: Vec::new(),
};
const WAITING: SweepReport = SweepReport {
    linked: 0,
    waiting: 1,
    ambiguous: 0,
    expired: 0,
    failed: Vec::new(),
};

#[test]
fn an_orphan_waits_is_linked_and_projects_its_own_type_and_time() {
    let (_database, mut conn) = connected();
    let bounced = event(EventType::Bounced, 7)
        .provider_message("postmark", "m-1")
        .idempotency_key("k");
    let orphan = ledger::record(&mut conn, &[bounced]).unwrap().remove(0).into_event();
    assert!(orphan.needs_reconciliation);
    assert_eq!(orphan.delivery_id, None);
    assert_eq!(waiting_reasons(&mut conn), ["no_delivery"]);
    assert_eq!(sweep_now(&mut conn), WAITING);

    let delivery = delivery(&mut conn)
        .mark_dispatched(&mut conn, "postmark", "m-1", at(2))
        .unwrap();
    assert_eq!(sweep_now(&mut conn), LINKED);
    let now = reload(&mut conn, &delivery);
    assert_eq!((now.status, now.bounced_at), (DeliveryStatus::Failed, Some(at(7))));
    assert_eq!((now.last_event_type, now.last_event_at), (EventType::Bounced, at(7)));
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport::default(),
        "a linked event is never looked at again"
    );

    let timeline = now.timeline(&mut conn).unwrap();
    let types: Vec<_> = timeline.iter().map(|event| event.type_).collect();
    assert_eq!(types, [EventType::Queued, EventType::Dispatched, EventType::Bounced]);
    assert_eq!(timeline[2], orphan, "linking never touches the event");
    assert_eq!(fold(&timeline), Some(Projection::from(&now)));
    assert_eq!(rebuild(&mut conn, TENANT, now.id).unwrap(), now);
}

#[test]
fn a_delivery_that_is_there_is_found_at_once_by_metadata_or_by_payload() {
    let (_database, mut conn) = connected();
    let delivery = to("ann@example.com")
        .provider("sendgrid")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap()
        .into_delivery();
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
fn an_event_about_no_delivery_waits_for_none() {
    let (_database, mut conn) = connected();
    let subscribed = event(EventType::Subscribed, 1)
        .recipient("ann@example.com")
        .metadata(json!({ "provider": "x" }));
    let landed = ledger::record(&mut conn, &[subscribed]).unwrap().remove(0).into_event();
    assert!(!landed.needs_reconciliation);
    assert_eq!(waiting_reasons(&mut conn), [""; 0]);
}

#[test]
fn several_recipients_under_one_message_id_are_told_apart_by_the_recipient() {
    let (_database, mut conn) = connected();
    let sent = |recipient| to(recipient).provider("sendgrid").provider_message_id("m-1");
    let ann = sent("ann@example.com").insert(&mut conn).unwrap().into_delivery();
    let bob = sent("bob@example.com").insert(&mut conn).unwrap().into_delivery();
    let opened = event(EventType::Opened, 1).provider_message("sendgrid", "m-1");
    let events = [
        opened.clone().recipient("Bob@EXAMPLE.com"),
        opened.clone().recipient("eve@example.com"),
        opened,
    ];
    let landed = ledger::record(&mut conn, &events).unwrap();
    assert_eq!(landed[0].event().delivery_id, Some(bob.id));
    assert_eq!(landed[1].event().delivery_id, None);
    assert_eq!(landed[2].event().delivery_id, None);
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

    // The recipient that was missing turns up; the ambiguous one stays what it is.
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
    let theirs = NewDelivery::new("other", "welcome", Stream::Transactional, "eve@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap()
        .into_delivery();
    let by_message = event(EventType::Delivered, 1).provider_message("postmark", "m-1");
    let by_id = event(EventType::Delivered, 1).delivery(theirs.id);
    for appended in ledger::record(&mut conn, &[by_message, by_id]).unwrap() {
        assert!(appended.event().needs_reconciliation);
    }
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            waiting: 2,
            ..SweepReport::default()
        }
    );
    assert_eq!(reload(&mut conn, &theirs), theirs);
    assert_eq!(theirs.timeline(&mut conn).unwrap().len(), 1);
    assert_eq!(rebuild(&mut conn, "other", theirs.id).unwrap(), theirs);
}

#[test]
fn half_a_provider_message_in_a_payload_is_kept_as_malformed() {
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
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            waiting: 4,
            ..SweepReport::default()
        }
    );
    assert_eq!(waiting_reasons(&mut conn), ["malformed"; 4]);
}

#[test]
fn an_event_may_name_a_delivery_that_is_not_there_yet() {
    let (_database, mut conn) = connected();
    let id = Uuid::now_v7();
    let early = event(EventType::Delivered, 5).delivery(id);
    let landed = ledger::record(&mut conn, &[early]).unwrap().remove(0).into_event();
    assert_eq!((landed.delivery_id, landed.needs_reconciliation), (Some(id), true));
    assert_eq!(sweep_now(&mut conn), WAITING);

    let delivery = to("ann@example.com").id(id).insert(&mut conn).unwrap().into_delivery();
    assert_eq!(sweep_now(&mut conn), LINKED);
    let now = reload(&mut conn, &delivery);
    assert_eq!((now.delivered_at, now.terminal), (Some(at(5)), true));
    assert_eq!(
        now.timeline(&mut conn).unwrap().len(),
        2,
        "its own and linked, but counted once"
    );
    assert_eq!(rebuild(&mut conn, TENANT, id).unwrap(), now);
}

/// The race that R10 is about: the delivery is being inserted, but nobody can see it yet.
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
    let delivery = new.insert(&mut inserting).unwrap().into_delivery();
    let events = [
        event(EventType::Delivered, 5).delivery(id),
        event(EventType::Opened, 6).provider_message("postmark", "m-1"),
    ];
    ledger::record(&mut recording, &events).unwrap();
    AnsiTransactionManager::commit_transaction(&mut inserting).unwrap();

    assert_eq!(reload(&mut recording, &delivery), delivery);
    assert_eq!(
        sweep_now(&mut recording),
        SweepReport {
            linked: 2,
            ..SweepReport::default()
        }
    );
    let now = reload(&mut recording, &delivery);
    assert_eq!(
        (now.delivered_at, now.last_event_type),
        (Some(at(5)), EventType::Opened)
    );
}

#[test]
fn a_link_remembers_which_delivery_and_when() {
    let (_database, mut conn) = connected();
    ledger::record(
        &mut conn,
        &[event(EventType::Opened, 1).provider_message("postmark", "m-1")],
    )
    .unwrap();
    let delivery = to("ann@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap()
        .into_delivery();
    sweep_now(&mut conn);
    let (linked_to, since): (Option<Uuid>, bool) = links::mailglass_event_links
        .select((links::delivery_id, links::linked_at.is_not_null()))
        .get_result(&mut conn)
        .unwrap();
    assert_eq!((linked_to, since), (Some(delivery.id), true));
}
