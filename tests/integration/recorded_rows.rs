//! `record` builds the returned row from the caller's input. It equals the stored row.

use chrono::{DateTime, Timelike, Utc};
use diesel::prelude::*;
use mailglass::projection::{Fact, fold};
use mailglass::schema::mailglass_events;
use mailglass::{Event, EventType, NewDelivery, NewEvent, RejectReason, ledger};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::generate::{event_type, for_all};
use crate::support::{TENANT, at, connected, delivery, event, insert, record_one, reload, to};

/// Text that jsonb can store.
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

/// An event that names this delivery, a missing delivery, a provider message, or nothing.
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
                    Some(trace_id) => new.trace_id(trace_id),
                    None => new,
                }
            },
        )
}

#[test]
fn the_returned_row_equals_the_stored_row() {
    let (_database, mut conn) = connected();
    let known = delivery(&mut conn).id;
    for_all(200, prop::collection::vec(an_event(known), 1..4), |events| {
        for returned in ledger::record(&mut conn, events).unwrap() {
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
fn numbers_are_returned_as_jsonb_normalizes_them() {
    let (_database, mut conn) = connected();
    let sent = NewEvent::new(TENANT, EventType::Sent, at(1)).normalized_payload(json!({ "n": [1e16, 0.1] }));
    let recorded = ledger::append(&mut conn, &[sent]).unwrap().remove(0).into_event();
    assert_eq!(
        recorded.normalized_payload,
        json!({ "n": [10_000_000_000_000_000_u64, 0.1] })
    );
}

/// Numbers of Rust types and numbers in JSON text, such as integers beyond 64 bits, fractions with more digits than a float,
/// and subnormal numbers.
fn numbers() -> impl Strategy<Value = Vec<Value>> {
    let text = prop_oneof![
        "-?(0|[1-9][0-9]{0,24})\\.[0-9]{1,24}",
        "-?[1-9][0-9]{0,24}",
        "-?[1-9]\\.[0-9]{1,20}[eE][+-]?[1-9][0-9]?",
        "0\\.[0-9]{17}",
        "-?[1-4]\\.[0-9]{17}e-3(0[0-9]|1[0-9]|2[0-3])",
    ];
    let number = prop_oneof![
        (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO).prop_map(Value::from),
        text.prop_map(|text| serde_json::from_str(&text).unwrap()),
        number(),
    ];
    prop::collection::vec(number, 20)
}

#[test]
fn numbers_keep_their_value_and_replay() {
    let (_database, mut conn) = connected();
    let mut case = 0;
    for_all(150, numbers(), |sent| {
        case += 1;
        let new = |numbers| {
            event(EventType::Sent, 1)
                .normalized_payload(numbers)
                .idempotency_key(case.to_string())
        };
        let first = record_one(&mut conn, new(json!({ "n": sent })));
        let returned = first.normalized_payload["n"].as_array().unwrap().clone();
        for (sent, returned) in sent.iter().zip(&returned) {
            prop_assert_eq!(sent.as_f64(), returned.as_f64(), "{} came back as {}", sent, returned);
        }
        let again = ledger::record(&mut conn, &[new(first.normalized_payload)]);
        let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(again[0].is_replay());
        Ok(())
    });
}

#[test]
fn a_leap_second_is_stored_as_the_first_instant_of_the_next_second() {
    let (_database, mut conn) = connected();
    let midnight: DateTime<Utc> = "2017-01-01T00:00:00Z".parse().unwrap();
    let texts = [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.999999999Z",
        "2017-01-01T00:59:60.5+01:00",
    ];
    for text in texts {
        let leap: DateTime<Utc> = text.parse().unwrap();
        assert!(leap.nanosecond() >= 1_000_000_000, "chrono parses a leap second");
        let attrs = json!({ "tenant_id": TENANT, "type": "dispatched", "occurred_at": text });
        let new = NewEvent::new(TENANT, EventType::Dispatched, leap);
        assert_eq!(NewEvent::from_attrs(attrs).unwrap(), new);
        let fact = Fact {
            event_type: EventType::Dispatched,
            occurred_at: leap,
        };
        let at_midnight = Fact {
            event_type: EventType::Dispatched,
            occurred_at: midnight,
        };
        assert_eq!(fold([fact]), fold([at_midnight]));
        assert_eq!(fold([&new]), fold([at_midnight]));

        let delivery = insert(&mut conn, &to("ann@example.com").first_event(EventType::Queued, leap));
        assert_eq!(delivery.last_event_at, midnight);
        let attrs = json!({
            "tenant_id": TENANT, "mailable": "m", "stream": "bulk", "recipient": "a@b", "last_event_at": text,
        });
        let from_attrs = insert(&mut conn, &NewDelivery::from_attrs(attrs).unwrap());
        assert_eq!(from_attrs.last_event_at, midnight);

        let dispatched = delivery.mark_dispatched(&mut conn, "ses", text, leap).unwrap();
        assert_eq!(dispatched.dispatched_at, Some(midnight));
        assert_eq!(reload(&mut conn, &delivery).dispatched_at, Some(midnight));
        let returned = record_one(&mut conn, new.delivery(delivery.id));
        assert_eq!(returned.occurred_at, midnight);
        let row: Event = mailglass_events::table
            .find(returned.id)
            .select(Event::as_select())
            .first(&mut conn)
            .unwrap();
        assert_eq!(row, returned);
    }
}

/// A fact built by the caller may have nanoseconds and leap seconds, which no row has.
#[test]
fn fold_normalizes_the_time_of_a_fact_as_record_does() {
    let nanoseconds = (0..2_000_000_000_u32, 0..86_400_i64);
    for_all(300, prop::collection::vec((nanoseconds, event_type()), 1..5), |facts| {
        let facts: Vec<Fact> = (facts.into_iter())
            .map(|((nanosecond, second), event_type)| Fact {
                event_type,
                occurred_at: at(second).with_nanosecond(nanosecond).unwrap(),
            })
            .collect();
        let events: Vec<NewEvent> = (facts.iter())
            .map(|fact| NewEvent::new(TENANT, fact.event_type, fact.occurred_at))
            .collect();
        prop_assert_eq!(fold(facts), fold(&events));
        Ok(())
    });
}
