//! The send path: row and event in one step, under the lock.

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
fn dispatched_keeps_the_provider_and_its_message_id() {
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
fn failed_keeps_the_error() {
    let (_database, mut conn) = connected();
    let failed = delivery(&mut conn)
        .mark_failed(&mut conn, json!({ "code": 406 }), at(3))
        .unwrap();
    assert_eq!((failed.status, failed.terminal), (DeliveryStatus::Failed, true));
    assert_eq!(failed.last_error, Some(json!({ "code": 406 })));
    assert_eq!(last_event(&mut conn, &failed).type_, EventType::Failed);
}

#[test]
fn suppressed_keeps_the_reason() {
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
fn a_stale_step_writes_neither_row_nor_event() {
    let (_database, mut conn) = connected();
    let copy = delivery(&mut conn);
    let moved = copy.mark_dispatched(&mut conn, "postmark", "m-1", at(3)).unwrap();
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
    assert_eq!((reload(&mut conn, &copy), count_events(&mut conn)), (moved, before));
}

#[test]
fn a_step_whose_event_is_refused_leaves_the_row_alone() {
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
fn a_message_id_that_another_delivery_has_is_refused_by_name() {
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
