//! Invalid input is rejected with the name of the field before anything is written.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::schema::mailglass_deliveries;
use mailglass::{
    DeliveryChanges, EventType, MAX_BATCH, MAX_BATCH_BYTES, MAX_JSON_BYTES, NewDelivery, NewEvent, Stream, ledger,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::proxy::{Cut, Proxy, with_socket};
use crate::support::{
    TENANT, at, connected, count_events, delivery, event, generate, insert, reload, to, wrong_fields,
};

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }))
}

fn assert_nothing_written(conn: &mut PgConnection) {
    let deliveries: i64 = mailglass_deliveries::table.count().get_result(conn).unwrap();
    assert_eq!((deliveries, count_events(conn)), (0, 0));
}

#[test]
fn an_invalid_delivery_is_rejected_with_the_field() {
    let (_database, mut conn) = connected();
    let new =
        |tenant: &str, mailable: &str, recipient: &str| NewDelivery::new(tenant, mailable, Stream::Bulk, recipient);
    let far = Utc::now() + TimeDelta::hours(25);
    let cases = [
        (new("", "m", "a@b"), "tenant_id"),
        (new(" \t", "m", "a@b"), "tenant_id"),
        (new("t\0", "m", "a@b"), "tenant_id"),
        (new(&"t".repeat(256), "m", "a@b"), "tenant_id"),
        (new("t", "", "a@b"), "mailable"),
        (new("t", "m\0", "a@b"), "mailable"),
        (new("t", "m", ""), "recipient"),
        (new("t", "m", "a"), "recipient"),
        (new("t", "m", "a@"), "recipient"),
        (new("t", "m", "a@b@"), "recipient"),
        (new("t", "m", "@b"), "recipient"),
        (new("t", "m", "a@b\0"), "recipient"),
        (new("t", "m", "Ann <a@b>"), "recipient"),
        (new("t", "m", "a@b "), "recipient"),
        (new("t", "m", &format!("{}@b", "a".repeat(65))), "recipient"),
        (to("a@b").recipient_domain("c"), "recipient_domain"),
        (to("a@b").provider(""), "provider"),
        (to("a@b").provider("p\0"), "provider"),
        (to("a@b").provider_message_id("m-1"), "provider"),
        (
            to("a@b").provider("p").provider_message_id("m".repeat(999)),
            "provider_message_id",
        ),
        (to("a@b").metadata(json!([])), "metadata"),
        (to("a@b").metadata(json!(null)), "metadata"),
        (to("a@b").metadata(json!({ "a": [{ "b": "\0" }] })), "metadata"),
        (to("a@b").metadata(json!({ "a": { "\0": 1 } })), "metadata"),
        (to("a@b").metadata(nested(128)), "metadata"),
        (to("a@b").idempotency_key(""), "idempotency_key"),
        (to("a@b").idempotency_key("k\0"), "idempotency_key"),
        (to("a@b").idempotency_key("é".repeat(257)), "idempotency_key"),
        (to("a@b").first_event(EventType::Queued, far), "last_event_at"),
        (
            to("a@b").first_event(EventType::Queued, DateTime::<Utc>::MIN_UTC),
            "last_event_at",
        ),
    ];
    for (delivery, field) in cases {
        let error = delivery.insert(&mut conn).unwrap_err();
        assert!(error.is_invalid());
        assert_eq!(wrong_fields(&error), [field], "{delivery:?}");
        assert_eq!(
            delivery.validate().unwrap_err().to_string(),
            error.to_string().replace("[0].", "")
        );
    }
    assert_nothing_written(&mut conn);
}

#[test]
fn an_invalid_event_is_rejected_with_the_field() {
    let (_database, mut conn) = connected();
    let sent = || event(EventType::Sent, 1);
    let far = Utc::now() + TimeDelta::hours(25);
    let cases = [
        (NewEvent::new("", EventType::Sent, at(1)), "tenant_id"),
        (NewEvent::new("t\0", EventType::Sent, at(1)), "tenant_id"),
        (NewEvent::new(TENANT, EventType::Sent, far), "occurred_at"),
        (
            NewEvent::new(TENANT, EventType::Sent, DateTime::<Utc>::MIN_UTC),
            "occurred_at",
        ),
        (
            NewEvent::new(TENANT, EventType::Sent, DateTime::<Utc>::MAX_UTC),
            "occurred_at",
        ),
        (sent().idempotency_key("k".repeat(513)), "idempotency_key"),
        (sent().idempotency_key(" "), "idempotency_key"),
        (sent().trace_id("t\0"), "trace_id"),
        (sent().normalized_payload(json!("text")), "normalized_payload"),
        (sent().normalized_payload(json!({ "\u{0}": 1 })), "normalized_payload"),
        (sent().metadata(json!(7)), "metadata"),
        (sent().metadata(nested(128)), "metadata"),
        (sent().provider_message("", "m-1"), "provider"),
        (sent().provider_message("postmark", ""), "provider_message_id"),
        (sent().recipient("\0"), "recipient"),
        (
            sent().recipient("ann@example.com\r\nBcc: evil@example.com"),
            "recipient",
        ),
        (
            sent().metadata(json!({ "recipient": "ann@example.com, bob@example.com" })),
            "metadata.recipient",
        ),
        (sent().metadata(json!({ "provider": 5 })), "metadata.provider"),
        (
            sent().metadata(json!({ "provider": "p".repeat(256) })),
            "metadata.provider",
        ),
        (sent().metadata(json!({ "recipient": ["a@b"] })), "metadata.recipient"),
        (sent().metadata(json!({ "provider_message_id": "m-1" })), "provider"),
        (
            sent().metadata(json!({ "provider": "x" })).provider_message("y", "m-1"),
            "provider",
        ),
    ];
    for (event, field) in cases {
        let error = ledger::record(&mut conn, std::slice::from_ref(&event)).unwrap_err();
        assert!(error.is_invalid());
        assert_eq!(wrong_fields(&error), [field], "{event:?}");
        assert_eq!(wrong_fields(&ledger::append(&mut conn, &[event]).unwrap_err()), [field]);
    }
    assert_nothing_written(&mut conn);
}

#[test]
fn every_invalid_field_of_every_entry_is_reported_at_once() {
    let (_database, mut conn) = connected();
    let wrong = NewDelivery::new("", "", Stream::Bulk, "nobody")
        .metadata(json!(1))
        .idempotency_key("");
    let error = NewDelivery::insert_all(&mut conn, &[to("a@b"), wrong, to("@b")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: [1].tenant_id can't be blank; [1].mailable can't be blank; [1].recipient has no @; \
         [1].metadata must be a JSON object; [1].idempotency_key can't be blank; \
         [2].recipient has nothing before its @",
    );
    assert_nothing_written(&mut conn);
}

#[test]
fn values_at_the_limits_are_stored_and_read_back() {
    let (_database, mut conn) = connected();
    let soon = Utc::now() + TimeDelta::hours(23);
    let delivery = insert(
        &mut conn,
        &NewDelivery::new(
            "t".repeat(255),
            "m".repeat(255),
            Stream::Bulk,
            format!("{}@{}", "a".repeat(64), "b23456789.".repeat(25) + "de"),
        )
        .provider("p".repeat(255))
        .provider_message_id("m".repeat(998))
        .idempotency_key("k".repeat(512))
        .metadata(nested(127))
        .first_event(EventType::Queued, soon),
    );
    assert_eq!(delivery.metadata, nested(127));
    let event = NewEvent::new("t".repeat(255), EventType::Opened, soon)
        .delivery(delivery.id)
        .idempotency_key("k".repeat(512))
        .normalized_payload(nested(127))
        .trace_id("t".repeat(512));
    assert_eq!(
        ledger::record(&mut conn, &[event]).unwrap()[0]
            .event()
            .normalized_payload,
        nested(127)
    );
}

#[test]
fn an_empty_batch_is_a_no_op_and_a_batch_over_the_limit_is_invalid() {
    let (_database, mut conn) = connected();
    let events = vec![event(EventType::Sent, 1); 100_000];
    let deliveries = vec![to("a@b"); 100_000];
    assert_eq!(
        wrong_fields(&ledger::record(&mut conn, &events).unwrap_err()),
        ["events"]
    );
    assert_eq!(
        wrong_fields(&ledger::append(&mut conn, &events).unwrap_err()),
        ["events"]
    );
    assert_eq!(
        wrong_fields(&ledger::record_each(&mut conn, &events).unwrap_err()),
        ["events"]
    );
    let error = NewDelivery::insert_all(&mut conn, &deliveries).unwrap_err();
    assert_eq!(wrong_fields(&error), ["deliveries"]);

    assert_eq!(ledger::record(&mut conn, &[]).unwrap(), []);
    assert_eq!(ledger::append(&mut conn, &[]).unwrap(), []);
    assert_eq!(ledger::record_each(&mut conn, &[]).unwrap(), []);
    assert_eq!(NewDelivery::insert_all(&mut conn, &[]).unwrap(), []);
    assert_nothing_written(&mut conn);
    // With a parameter for each value, a statement of this size would exceed the limit of 65,535 parameters.
    assert_eq!(
        ledger::record(&mut conn, &events[..MAX_BATCH]).unwrap().len(),
        MAX_BATCH
    );
}

/// JSON of 255 KiB, which leaves 1 KiB for the rest of the entry. JSON encodes the character U+0001 in six bytes.
fn quarter_of_a_mebibyte() -> Value {
    json!({ "text": "\u{1}".repeat(255 * 1_024 / 6) })
}

#[test]
fn a_batch_of_too_many_bytes_is_rejected_before_it_is_sent() {
    let (socket, database) = with_socket();
    let proxy = Proxy::start(&socket, Cut::Never);
    let mut conn = proxy.connect(database.name());
    let quarters = MAX_BATCH_BYTES / (256 * 1_024);
    let events = vec![event(EventType::Sent, 1).normalized_payload(quarter_of_a_mebibyte()); quarters + 1];
    let deliveries = vec![to("a@b").metadata(quarter_of_a_mebibyte()); quarters + 1];

    proxy.arm();
    let error = ledger::record(&mut conn, &events).unwrap_err();
    assert_eq!(wrong_fields(&error), ["events"]);
    let message = error.to_string();
    assert!(message.starts_with("invalid input: events hold 671"), "{message}");
    assert!(
        message.ends_with(" bytes, and one batch takes 67108864: split it"),
        "{message}"
    );
    assert_eq!(
        wrong_fields(&ledger::append(&mut conn, &events).unwrap_err()),
        ["events"]
    );
    let error = NewDelivery::insert_all(&mut conn, &deliveries).unwrap_err();
    assert_eq!(wrong_fields(&error), ["deliveries"]);
    let results: Vec<_> = ledger::record_batches(&mut conn, events.clone(), 1_000).collect();
    assert_eq!(wrong_fields(results[0].as_ref().unwrap_err()), ["events"]);
    assert_eq!(proxy.messages(), 0, "nothing was sent");

    ledger::record(&mut conn, &events[..quarters]).unwrap();
}

#[test]
fn a_value_over_the_limit_of_json_is_reported_with_its_own_field() {
    let huge = json!({ "text": "x".repeat(MAX_JSON_BYTES) });
    let error = event(EventType::Sent, 1)
        .normalized_payload(huge.clone())
        .validate()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: normalized_payload is longer than 524288 bytes as JSON: store it elsewhere",
    );
    let changes = DeliveryChanges {
        last_error: Some(Some(huge)),
        ..DeliveryChanges::default()
    };
    assert_eq!(wrong_fields(&changes.validate().unwrap_err()), ["last_error"]);
}

#[test]
fn invalid_changes_are_rejected_with_the_field() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let wrong = DeliveryChanges {
        provider: Some(Some(" ".to_owned())),
        provider_message_id: Some(Some("\0".to_owned())),
        metadata: Some(json!([])),
        last_error: Some(Some(json!("text"))),
    };
    let error = delivery.update(&mut conn, &wrong).unwrap_err();
    assert_eq!(
        wrong_fields(&error),
        ["provider", "provider_message_id", "metadata", "last_error"]
    );
    let failed = delivery.mark_failed(&mut conn, json!(1), at(1));
    assert!(failed.unwrap_err().is_invalid());
    assert_eq!(reload(&mut conn, &delivery), delivery);
}

#[test]
fn the_database_accepts_every_valid_input() {
    let (_database, mut conn) = connected();
    let text = "\\PC{0,40}|.{0,40}|[a@.\\x00 ]{0,12}";
    generate::for_all(
        300,
        (text, text, text, text, any::<i64>()),
        |(tenant, mailable, recipient, other, micros)| {
            let time = DateTime::from_timestamp_micros(micros % 8_000_000_000_000_000).unwrap_or_default();
            let metadata = json!({ other.clone(): [other.clone()] });
            let new = NewDelivery::new(tenant.clone(), mailable, Stream::Bulk, recipient)
                .metadata(metadata.clone())
                .first_event(EventType::Queued, time);
            if new.validate().is_ok() {
                let row = new
                    .insert(&mut conn)
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(&row.delivery().metadata, &metadata);
            } else {
                prop_assert!(new.insert(&mut conn).is_err_and(|error| error.is_invalid()));
            }
            let event = NewEvent::new(tenant, EventType::Sent, time)
                .metadata(metadata.clone())
                .trace_id(other);
            if event.validate().is_ok() {
                let recorded = ledger::record(&mut conn, &[event]);
                let recorded = recorded
                    .map_err(|error| TestCaseError::fail(error.to_string()))?
                    .remove(0)
                    .into_event();
                prop_assert_eq!((recorded.metadata, recorded.occurred_at), (metadata, time));
            }
            Ok(())
        },
    );
}
