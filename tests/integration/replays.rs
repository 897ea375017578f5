//! Idempotency: a replay is a no-op, the same key with other content is a conflict, and a batch is all or nothing.

use chrono::TimeDelta;
use diesel::prelude::*;
use mailglass::ledger::{self, Appended};
use mailglass::projection::fold;
use mailglass::{Error, EventType, NewEvent, RejectReason};
use serde_json::json;
use uuid::Uuid;

use crate::support::{TENANT, at, connected, count_events, delivery, event, record_one, reload};

fn bounced() -> NewEvent {
    event(EventType::Bounced, 5)
        .idempotency_key("postmark:bounce:1")
        .reject_reason(RejectReason::Invalid)
        .normalized_payload(json!({ "Type": "HardBounce", "n": 1 }))
        .metadata(json!({ "attempt": 1 }))
        .trace_id("request-1")
}

fn conflict(error: Error) -> (String, usize, Vec<String>) {
    match error {
        Error::IdempotencyConflict { key, index, fields } => (key.as_str().to_owned(), index, fields),
        other => panic!("expected Error::IdempotencyConflict, got {other:?}"),
    }
}

#[test]
fn a_recorded_event_is_returned_as_its_row() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let appended = ledger::record(&mut conn, &[bounced().delivery(delivery.id)]).unwrap();
    let [Appended::Recorded(event)] = appended.as_slice() else {
        panic!("expected one recorded event, got {appended:?}");
    };
    assert_eq!(event.tenant_id, TENANT);
    assert_eq!(event.delivery_id, Some(delivery.id));
    assert_eq!(event.type_, EventType::Bounced);
    assert_eq!(event.occurred_at, at(5));
    assert_eq!(event.idempotency_key.as_deref(), Some("postmark:bounce:1"));
    assert_eq!(event.reject_reason, Some(RejectReason::Invalid));
    assert_eq!(event.normalized_payload, json!({ "Type": "HardBounce", "n": 1 }));
    assert_eq!(event.metadata, json!({ "attempt": 1 }));
    assert_eq!(event.trace_id.as_deref(), Some("request-1"));
    assert!(!event.needs_reconciliation);
    assert_eq!(event.id.get_version_num(), 7);
}

#[test]
fn a_replay_returns_the_first_row_and_changes_nothing() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    let event = bounced().delivery(delivery.id);
    let first = ledger::record(&mut conn, std::slice::from_ref(&event))
        .unwrap()
        .remove(0);
    let projected = reload(&mut conn, &delivery);
    assert!(projected.terminal && projected.lock_version == 2);

    let again = ledger::record(&mut conn, &[event.trace_id("request-2")])
        .unwrap()
        .remove(0);
    assert_eq!(again, Appended::Replayed(first.into_event()));
    assert_eq!(reload(&mut conn, &delivery), projected);
    assert_eq!(count_events(&mut conn), 2);
}

#[test]
fn a_replay_of_an_orphan_may_name_its_delivery() {
    let (_database, mut conn) = connected();
    let orphan = bounced().provider_message("postmark", "m-1");
    let first = record_one(&mut conn, orphan.clone());
    assert_eq!(first.delivery_id, None);
    let delivery = delivery(&mut conn);
    let again = ledger::record(&mut conn, &[orphan.clone().delivery(delivery.id)])
        .unwrap()
        .remove(0);
    assert_eq!(again, Appended::Replayed(first));
}

#[test]
fn the_same_key_with_other_content_is_a_conflict_that_names_the_fields() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    ledger::record(&mut conn, &[bounced().delivery(delivery.id)]).unwrap();
    let before = (count_events(&mut conn), reload(&mut conn, &delivery));

    let with = |event: NewEvent| event.idempotency_key("postmark:bounce:1");
    let cases = [
        (bounced().delivery(Uuid::now_v7()), vec!["delivery_id"]),
        (bounced().reject_reason(RejectReason::Spam), vec!["reject_reason"]),
        (bounced().normalized_payload(json!({})), vec!["normalized_payload"]),
        (
            bounced().metadata(json!({ "attempt": 2 })).delivery(delivery.id),
            vec!["metadata"],
        ),
        (bounced().provider_message("postmark", "m-1"), vec!["metadata"]),
        (
            with(event(EventType::Complained, 6).delivery(delivery.id)),
            vec!["type", "occurred_at", "reject_reason", "normalized_payload", "metadata"],
        ),
    ];
    for (event, expected) in cases {
        let error = ledger::record(&mut conn, &[event]).unwrap_err();
        assert!(error.is_idempotency_conflict());
        let (key, index, fields) = conflict(error);
        assert_eq!((key.as_str(), index), ("postmark:bounce:1", 0));
        assert_eq!(fields, expected);
    }
    assert_eq!(
        (count_events(&mut conn), reload(&mut conn, &delivery)),
        before,
        "no event is recorded and the delivery is unchanged"
    );
}

#[test]
fn content_is_compared_as_postgres_stores_it() {
    let (_database, mut conn) = connected();
    let event = |payload| {
        event(EventType::Sent, 1)
            .idempotency_key("k")
            .normalized_payload(payload)
    };
    let first = ledger::record(&mut conn, &[event(json!({ "n": 1e16, "one": 1 }))]).unwrap();
    assert!(!first[0].is_replay());
    let replay = json!({ "one": 1.0, "n": 10_000_000_000_000_000_u64 });
    assert!(ledger::record(&mut conn, &[event(replay)]).unwrap()[0].is_replay());
}

#[test]
fn nanoseconds_do_not_make_a_replay_a_conflict() {
    let (_database, mut conn) = connected();
    let precise = NewEvent::new(TENANT, EventType::Sent, at(1) + TimeDelta::nanoseconds(1_999)).idempotency_key("k");
    let first = record_one(&mut conn, precise.clone());
    assert_eq!(first.occurred_at, at(1) + TimeDelta::microseconds(1));
    assert_eq!(
        fold([&precise]),
        fold([&first]),
        "the fold of the new event is the fold of the recorded one"
    );
    assert_eq!(
        ledger::record(&mut conn, &[precise]).unwrap(),
        [Appended::Replayed(first)]
    );
}

#[test]
fn the_key_of_another_tenant_is_a_conflict_that_reveals_nothing_of_that_tenant() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[bounced()]).unwrap();
    let before = count_events(&mut conn);
    let theirs = NewEvent::new("other", EventType::Sent, at(9)).idempotency_key("postmark:bounce:1");
    let error = ledger::record(&mut conn, &[event(EventType::Sent, 1), theirs]).unwrap_err();
    let text = format!("{error} {error:?}");
    let (_, index, fields) = conflict(error);
    assert_eq!((index, fields), (1, vec!["tenant_id".to_owned()]));
    for secret in [TENANT, "HardBounce", "request-1"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(
        count_events(&mut conn),
        before,
        "the other event of the batch is not recorded"
    );
}

#[test]
fn events_without_a_key_are_always_recorded() {
    let (_database, mut conn) = connected();
    let event = event(EventType::Opened, 1);
    let appended = ledger::record(&mut conn, &[event.clone(), event.clone()]).unwrap();
    assert!(appended.iter().all(|appended| !appended.is_replay()));
    assert_ne!(appended[0].event().id, appended[1].event().id);
    assert!(!ledger::record(&mut conn, &[event]).unwrap()[0].is_replay());
    assert_eq!(count_events(&mut conn), 3);
}

#[test]
fn a_batch_returns_events_in_input_order_and_detects_replays_within_itself() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[event(EventType::Sent, 1).idempotency_key("m")]).unwrap();
    let keys = ["z", "m", "a", "z", "b"];
    let batch: Vec<NewEvent> = keys.map(|key| event(EventType::Sent, 1).idempotency_key(key)).to_vec();
    let appended = ledger::record(&mut conn, &batch).unwrap();
    let returned: Vec<_> = appended
        .iter()
        .map(|appended| appended.event().idempotency_key.as_deref().unwrap())
        .collect();
    assert_eq!(returned, keys);
    let replays: Vec<bool> = appended.iter().map(Appended::is_replay).collect();
    assert_eq!(replays, [false, true, false, true, false]);
    assert_eq!(appended[0].event(), appended[3].event());
}

#[test]
fn the_same_key_with_other_content_in_one_batch_is_a_conflict_and_nothing_is_recorded() {
    let (_database, mut conn) = connected();
    let batch = [
        event(EventType::Sent, 1).idempotency_key("a"),
        event(EventType::Sent, 2).idempotency_key("z"),
        event(EventType::Opened, 2).idempotency_key("z"),
    ];
    let (key, index, fields) = conflict(ledger::record(&mut conn, &batch).unwrap_err());
    assert_eq!((key.as_str(), index, fields), ("z", 2, vec!["type".to_owned()]));
    assert_eq!(count_events(&mut conn), 0);
}

#[test]
fn a_conflict_leaves_the_callers_transaction_usable() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[event(EventType::Sent, 1).idempotency_key("k")]).unwrap();
    let kept = conn.transaction::<_, Error, _>(|conn| {
        let kept = ledger::record(conn, &[event(EventType::Opened, 2).idempotency_key("kept")])?;
        let refused = ledger::record(
            conn,
            &[
                event(EventType::Opened, 3).idempotency_key("lost"),
                event(EventType::Opened, 3).idempotency_key("k"),
            ],
        );
        assert!(refused.unwrap_err().is_idempotency_conflict());
        Ok(kept)
    });
    assert!(!kept.unwrap()[0].is_replay());
    assert_eq!(count_events(&mut conn), 2);
}

#[test]
fn append_does_not_project_and_a_rebuild_does() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    ledger::append(&mut conn, &[event(EventType::Delivered, 3).delivery(delivery.id)]).unwrap();
    assert_eq!(reload(&mut conn, &delivery), delivery);
    let rebuilt = mailglass::projection::rebuild(&mut conn, TENANT, delivery.id).unwrap();
    assert_eq!(rebuilt.delivered_at, Some(at(3)));
}
