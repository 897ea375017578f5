//! What recording returns is the row: most of it is what the caller sent, and none of it may differ from what is stored.

use diesel::prelude::*;
use mailglass::schema::mailglass_events;
use mailglass::{Event, EventType, NewEvent, RejectReason, ledger};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::generate::{event_type, for_all};
use crate::support::{TENANT, at, connected, delivery, event};

/// Text that jsonb has room for.
fn text() -> impl Strategy<Value = String> {
    "[^\u{0}]{0,6}"
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::from),
        (-400_i32..400, -9_i8..9).prop_map(|(exponent, digit)| Value::from(f64::from(digit) * 10_f64.powi(exponent))),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// An event about this delivery, about one that is not there, about a provider's message, or about nothing.
fn an_event(known: Uuid) -> impl Strategy<Value = NewEvent> {
    let about = prop_oneof![Just(Some(known)), Just(Some(Uuid::from_u128(7))), Just(None)];
    let texts = (option::of("[a-z]{1,3}"), option::of("[a-z]{1,3}"));
    let json = (value(), value());
    (
        event_type(),
        0..9_i64,
        about,
        texts,
        option::of(select(RejectReason::ALL)),
        json,
    )
        .prop_map(
            |(event_type, seconds, about, (message, trace_id), reason, (payload, metadata))| {
                let mut new = event(event_type, seconds)
                    .normalized_payload(json!({ "payload": payload }))
                    .metadata(json!({ "metadata": metadata }));
                if let Some(id) = about {
                    new = new.delivery(id);
                }
                if let Some(message) = message {
                    new = new.provider_message("ses", message);
                }
                if let Some(reason) = reason {
                    new = new.reject_reason(reason);
                }
                match trace_id {
                    Some(it) => new.trace_id(it),
                    None => new,
                }
            },
        )
}

#[test]
fn what_is_recorded_is_what_is_read() {
    let (_database, mut conn) = connected();
    let known = delivery(&mut conn).id;
    for_all(200, prop::collection::vec(an_event(known), 1..4), |events| {
        for returned in ledger::record(&mut conn, &events).unwrap() {
            let returned = returned.into_event();
            let row = mailglass_events::table
                .find(returned.id)
                .select(Event::as_select())
                .first(&mut conn)
                .unwrap();
            prop_assert_eq!(returned, row);
        }
        Ok(())
    });
}

#[test]
fn a_number_comes_back_as_jsonb_keeps_it() {
    let (_database, mut conn) = connected();
    let sent = NewEvent::new(TENANT, EventType::Sent, at(1)).normalized_payload(json!({ "n": [1e16, 0.1] }));
    let recorded = ledger::append(&mut conn, &[sent]).unwrap().remove(0).into_event();
    assert_eq!(
        recorded.normalized_payload,
        json!({ "n": [10_000_000_000_000_000_u64, 0.1] })
    );
}
