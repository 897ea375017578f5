//! Each provider's documented sequence, signed, verified, normalized and recorded: whatever the order and however often a request
//! is repeated, the delivery ends in the same state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::suppressions::Bounce;
use mailglass::{Delivery, DeliveryStatus, EventType, NewDelivery, NewEvent, Stream, ledger};
use mailglass_webhooks::{Provider, Received, Report, Sample};
use serde_json::{Value, json};

use support::keys::{URL, secret, webhook};
use support::{TENANT, bodies, folder};

/// The signed requests of a file, in order of time.
fn requests(provider: Provider, file: &str) -> Vec<Sample> {
    let bodies = bodies(&folder(provider).join(file));
    assert!(!bodies.is_empty(), "{provider}: {file} is empty");
    bodies
        .iter()
        .map(|body| provider.sign(secret(provider), URL, body, Utc::now()).unwrap())
        .collect()
}

fn receive(provider: Provider, requests: &[&Sample]) -> Vec<Report> {
    let webhook = webhook(provider);
    let received = requests.iter().flat_map(|sample| {
        webhook
            .receive(&sample.request().url(URL))
            .unwrap_or_else(|error| panic!("{error}"))
    });
    let reports = received.map(|received| match received {
        Received::Report(report) => *report,
        other => panic!("{provider}: {other:?}"),
    });
    reports.collect()
}

/// What the requests leave of a delivery that was dispatched as their reports say.
fn delivery_after(conn: &mut PgConnection, provider: Provider, requests: &[&Sample]) -> Value {
    let reports = receive(provider, requests);
    let earliest = reports.iter().map(|report| report.occurred_at).min().unwrap();
    let recipient = reports.iter().find_map(|report| report.recipient.clone()).unwrap();
    let message_id = reports
        .iter()
        .find_map(|report| report.provider_message_id.clone())
        .unwrap();
    for report in &reports {
        assert_eq!(report.recipient.as_ref(), Some(&recipient), "{report:?}");
        assert_eq!(report.provider_message_id.as_ref(), Some(&message_id), "{report:?}");
    }
    let count = reports
        .iter()
        .map(|report| &report.idempotency_key)
        .collect::<BTreeSet<_>>()
        .len();

    let mut left = Value::Null;
    conn.test_transaction::<_, mailglass::Error, _>(|conn| {
        let delivery = NewDelivery::new(TENANT, "welcome", Stream::Transactional, recipient)
            .provider(provider.name())
            .provider_message_id(message_id)
            .first_event(EventType::Queued, earliest - TimeDelta::minutes(1));
        let delivery = delivery.insert(conn)?.into_delivery();
        let events: Vec<NewEvent> = reports.into_iter().map(NewEvent::from).collect();
        // One request is one call; here, two requests are.
        for events in events.chunks(2) {
            for outcome in ledger::record_each(conn, events)? {
                assert!(outcome.error().is_none(), "{provider}: {outcome:?}");
            }
        }
        let timeline = delivery.timeline(conn)?;
        assert_eq!(timeline.len(), 1 + count, "{provider}: every event is linked once");
        let delivery = Delivery::find(conn, TENANT, delivery.id)?;
        left = serde_json::to_value(delivery).unwrap();
        for column in ["id", "lock_version", "inserted_at", "updated_at"] {
            left.as_object_mut().unwrap().remove(column);
        }
        Ok(())
    });
    left
}

/// A permutation of the requests in which some are repeated, from a seed.
fn shuffled(requests: &[Sample], mut seed: u64) -> Vec<&Sample> {
    let mut order: Vec<&Sample> = requests.iter().chain(requests.iter().step_by(2)).collect();
    for last in (1..order.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (seed >> 33) as usize % (last + 1));
    }
    order
}

fn round_trip(file: &str, mut check: impl FnMut(Provider, &Value, &[Report])) {
    let (_database, mut conn) = test_support::connected();
    for provider in Provider::ALL {
        let requests = requests(*provider, file);
        let in_order: Vec<&Sample> = requests.iter().collect();
        let expected = delivery_after(&mut conn, *provider, &in_order);
        check(*provider, &expected, &receive(*provider, &in_order));
        for seed in 1..=5 {
            let left = delivery_after(&mut conn, *provider, &shuffled(&requests, seed));
            assert_eq!(left, expected, "{provider}, {file}, seed {seed}");
        }
    }
}

#[test]
fn a_delivered_message_is_sent_whatever_the_order() {
    round_trip("sequence.jsonl", |provider, delivery, reports| {
        let types: BTreeSet<EventType> = reports.iter().map(|report| report.event_type).collect();
        assert!(types.contains(&EventType::Delivered), "{provider}: {types:?}");
        assert!(types.len() >= 3, "{provider}: {types:?}");
        assert!(!types.contains(&EventType::Unknown), "{provider}: {types:?}");
        assert_eq!(delivery["status"], json!(DeliveryStatus::Sent), "{provider}");
        assert!(delivery["delivered_at"].is_string(), "{provider}");
    });
}

#[test]
fn a_hard_bounce_fails_the_delivery_and_says_that_the_address_does_not_work() {
    round_trip("hard.jsonl", |provider, delivery, reports| {
        assert_eq!(delivery["status"], json!(DeliveryStatus::Failed), "{provider}");
        assert!(
            reports
                .iter()
                .any(|report| Bounce::of(&report.details) == Some(Bounce::Hard)),
            "{provider}: {reports:?}"
        );
    });
}

#[test]
fn a_soft_bounce_never_says_that_the_address_does_not_work() {
    round_trip("soft.jsonl", |provider, _, reports| {
        assert!(
            reports
                .iter()
                .any(|report| Bounce::of(&report.details) == Some(Bounce::Soft)),
            "{provider}: {reports:?}"
        );
        assert!(
            reports
                .iter()
                .all(|report| Bounce::of(&report.details) != Some(Bounce::Hard)),
            "{provider}: {reports:?}"
        );
    });
}
