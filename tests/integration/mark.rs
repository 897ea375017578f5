//! `mark_dispatched`, `mark_failed` and `mark_suppressed` change the row and record the event in one transaction, under the
//! optimistic lock.

use diesel::prelude::*;
use mailglass::projection::{Projection, fold};
use mailglass::{Delivery, DeliveryStatus, EventType, RejectReason};
use serde_json::json;

use crate::support::{at, connected, count_events, delivery, reload, to, wrong_fields};

fn last_event(conn: &mut PgConnection, delivery: &Delivery) -> mailglass::Event {
    let mut timeline = delivery.timeline(conn).unwrap();
    assert_eq!(fold(&timeline), Some(Projection::from(delivery)));
    timeline.pop().unwrap()
}

#[test]
fn mark_dispatched_stores_the_provider_and_its_message_id() {
    let (_database, mut conn) = connected();
    let dispatched = delivery(&mut conn)
        .mark_dispatched(&mut conn, "postmark", "m-1", at(3))
        .unwrap();
    assert_eq!(dispatched.provider.as_deref(), Some("postmark"));
    assert_eq!(dispatched.provider_message_id.as_deref(), Some("m-1"));
    assert_eq!(
        (dispatched.status, dispatched.dispatched_at),
        (DeliveryStatus::Dispatched, Some(at(3)))
    );
    assert_eq!(last_event(&mut conn, &dispatched).type_, EventType::Dispatched);
}

#[test]
fn mark_failed_stores_the_error() {
    let (_database, mut conn) = connected();
    let failed = delivery(&mut conn)
        .mark_failed(&mut conn, json!({ "code": 406 }), at(3))
        .unwrap();
    assert_eq!((failed.status, failed.terminal), (DeliveryStatus::Failed, true));
    assert_eq!(failed.last_error, Some(json!({ "code": 406 })));
    assert_eq!(last_event(&mut conn, &failed).type_, EventType::Failed);
}

#[test]
fn mark_suppressed_stores_the_reason() {
    let (_database, mut conn) = connected();
    let reason = Some(RejectReason::Unsubscribed);
    let suppressed = delivery(&mut conn).mark_suppressed(&mut conn, reason, at(3)).unwrap();
    assert_eq!(
        (suppressed.status, suppressed.suppressed_at),
        (DeliveryStatus::Suppressed, Some(at(3)))
    );
    assert_eq!(last_event(&mut conn, &suppressed).reject_reason, reason);
}

#[test]
fn marking_a_stale_copy_writes_neither_row_nor_event() {
    let (_database, mut conn) = connected();
    let copy = delivery(&mut conn);
    let dispatched = copy.mark_dispatched(&mut conn, "postmark", "m-1", at(3)).unwrap();
    let before = count_events(&mut conn);
    assert!(
        copy.mark_dispatched(&mut conn, "postmark", "m-2", at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert!(
        copy.mark_failed(&mut conn, json!({}), at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert!(
        copy.mark_suppressed(&mut conn, None, at(4))
            .unwrap_err()
            .is_stale_entry()
    );
    assert_eq!(
        (reload(&mut conn, &copy), count_events(&mut conn)),
        (dispatched, before)
    );
}

#[test]
fn an_invalid_event_leaves_the_row_unchanged() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let error = delivery
        .mark_dispatched(&mut conn, "postmark", "m-1", tomorrow)
        .unwrap_err();
    assert_eq!(wrong_fields(&error), ["occurred_at"]);
    assert_eq!(reload(&mut conn, &delivery), delivery);
}

#[test]
fn a_message_id_of_another_delivery_is_invalid() {
    let (_database, mut conn) = connected();
    to("ann@example.com")
        .provider("postmark")
        .provider_message_id("m-1")
        .insert(&mut conn)
        .unwrap();
    let second = delivery(&mut conn);
    let error = second.mark_dispatched(&mut conn, "postmark", "m-1", at(3)).unwrap_err();
    assert_eq!(wrong_fields(&error), ["provider_message_id"]);
    assert_eq!(reload(&mut conn, &second), second);
}
