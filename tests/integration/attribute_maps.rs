//! Attribute maps give the same values as the setters, and all their errors are reported at once.

use mailglass::{DeliveryChanges, EventType, NewDelivery, NewEvent, RejectReason, Stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TENANT, at, event, to, wrong_fields};

#[test]
fn a_delivery_from_attributes_equals_the_one_from_setters() {
    let id = Uuid::now_v7();
    let attrs = json!({
        "id": id, "tenant_id": TENANT, "mailable": "welcome", "stream": "transactional", "recipient": "Ann@Example.com",
        "recipient_domain": "example.COM", "provider": "postmark", "provider_message_id": "m-1",
        "last_event_type": "dispatched", "last_event_at": at(0), "metadata": { "a": 1 }, "idempotency_key": "k",
    });
    let set = to("Ann@Example.com")
        .id(id)
        .recipient_domain("example.COM")
        .provider("postmark")
        .provider_message_id("m-1")
        .first_event(EventType::Dispatched, at(0))
        .metadata(json!({ "a": 1 }))
        .idempotency_key("k");
    assert_eq!(NewDelivery::from_attrs(attrs).unwrap(), set);
}

#[test]
fn null_attributes_count_as_absent() {
    let attrs = json!({
        "tenant_id": TENANT, "mailable": "m", "stream": "bulk", "recipient": "a@b", "provider": null, "metadata": null,
    });
    assert_eq!(
        NewDelivery::from_attrs(attrs).unwrap(),
        NewDelivery::new(TENANT, "m", Stream::Bulk, "a@b")
    );
}

#[test]
fn a_delivery_reports_unknown_keys_wrong_types_labels_and_rules_at_once() {
    let error = NewDelivery::from_attrs(json!({
        "mailable": 7, "stream": "spam", "recipient": "a@", "metadata": [], "last_event_at": "yesterday", "id": "x",
        "colour": "blue", "status": "sent", "lock_version": 3, "last_error": {},
    }))
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: mailable must be a string; stream `spam` is none of transactional, operational, bulk; \
         tenant_id is missing; id must be a UUID; \
         last_event_at must be an RFC 3339 time, such as 2026-11-21T09:30:00Z; metadata must be a JSON object; \
         colour is not an attribute of this record; last_error is set when sending fails; \
         lock_version is set by the database; status is set by the projection; \
         recipient has no domain after its last @",
    );
}

#[test]
fn an_event_from_attributes_equals_the_one_from_setters() {
    let delivery = Uuid::now_v7();
    let attrs = json!({
        "tenant_id": TENANT, "type": "bounced", "occurred_at": "2024-10-04T00:00:05Z", "delivery_id": delivery,
        "idempotency_key": "k", "reject_reason": "timed_out", "normalized_payload": { "p": 1 }, "metadata": { "m": 1 },
        "trace_id": "t", "provider": "postmark", "provider_message_id": "m-1", "recipient": "a@b",
    });
    let set = event(EventType::Bounced, 5)
        .delivery(delivery)
        .idempotency_key("k")
        .reject_reason(RejectReason::TimedOut)
        .normalized_payload(json!({ "p": 1 }))
        .metadata(json!({ "m": 1 }))
        .trace_id("t")
        .provider_message("postmark", "m-1")
        .recipient("a@b");
    assert_eq!(NewEvent::from_attrs(attrs).unwrap(), set);
}

#[test]
fn an_event_reports_everything_at_once() {
    let error = NewEvent::from_attrs(json!({
        "type": "exploded", "occurred_at": 5, "delivery_id": 5, "reject_reason": "mood", "needs_reconciliation": true,
        "metadata": { "provider": 5 }, "trace_id": "", "sender": "x",
    }))
    .unwrap_err();
    let expected = [
        "type",
        "tenant_id",
        "occurred_at",
        "delivery_id",
        "reject_reason",
        "needs_reconciliation",
        "sender",
        "trace_id",
        "metadata.provider",
    ];
    let mut found = wrong_fields(&error);
    found.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn changes_from_attributes_clear_null_fields_and_keep_absent_fields() {
    let changes = DeliveryChanges::from_attrs(json!({ "last_error": null, "metadata": { "a": 1 } })).unwrap();
    let expected = DeliveryChanges {
        metadata: Some(json!({ "a": 1 })),
        last_error: Some(None),
        ..DeliveryChanges::default()
    };
    assert_eq!(changes, expected);
}

#[test]
fn changes_reject_columns_that_the_application_may_not_change() {
    let columns = [
        "id",
        "tenant_id",
        "mailable",
        "stream",
        "recipient",
        "recipient_domain",
        "last_event_type",
        "last_event_at",
        "terminal",
        "dispatched_at",
        "delivered_at",
        "bounced_at",
        "complained_at",
        "suppressed_at",
        "lock_version",
        "idempotency_key",
        "status",
        "inserted_at",
        "updated_at",
        "colour",
    ];
    let attrs: Value = columns
        .iter()
        .map(|&column| (column.to_owned(), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let error = DeliveryChanges::from_attrs(attrs).unwrap_err();
    let mut found = wrong_fields(&error);
    found.sort_unstable();
    let mut expected = columns.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let error = DeliveryChanges::from_attrs(json!({ "metadata": null, "provider": 5, "last_error": "x" })).unwrap_err();
    assert_eq!(wrong_fields(&error), ["provider", "last_error", "metadata"]);
}

#[test]
fn attributes_must_be_an_object() {
    for attrs in [json!([]), json!("x"), json!(null)] {
        assert_eq!(
            wrong_fields(&NewDelivery::from_attrs(attrs.clone()).unwrap_err()),
            ["attributes"]
        );
        assert_eq!(
            wrong_fields(&NewEvent::from_attrs(attrs.clone()).unwrap_err()),
            ["attributes"]
        );
        assert_eq!(
            wrong_fields(&DeliveryChanges::from_attrs(attrs).unwrap_err()),
            ["attributes"]
        );
    }
}
