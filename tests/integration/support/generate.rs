//! Generators of events, and a runner of properties.

use std::cell::RefCell;

use diesel::prelude::*;
use mailglass::{Delivery, EventType, NewEvent, ledger};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use test_support::{event, insert, to};
use uuid::Uuid;

pub fn event_type() -> impl Strategy<Value = EventType> {
    select(EventType::ALL)
}

/// Types and times of events. The times are close together, so that ties are common.
pub fn facts(sizes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<(EventType, i64)>> {
    prop::collection::vec((event_type(), 0..6_i64), sizes)
}

/// Events of a delivery, without idempotency keys.
pub fn events_of(delivery: Uuid, facts: &[(EventType, i64)]) -> Vec<NewEvent> {
    (facts.iter())
        .map(|&(event_type, seconds)| event(event_type, seconds).delivery(delivery))
        .collect()
}

/// Inserts a delivery and records these events of it.
pub fn delivery_with(conn: &mut PgConnection, facts: &[(EventType, i64)]) -> Delivery {
    let delivery = insert(conn, &to("ann@example.com"));
    let events = events_of(delivery.id, facts);
    if !events.is_empty() {
        ledger::record(conn, &events).unwrap();
    }
    delivery
}

/// Checks a property for generated values. Unlike in the `proptest!` macro, the property may use a connection mutably.
pub fn for_all<S: Strategy>(cases: u32, values: S, property: impl FnMut(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let property = RefCell::new(property);
    TestRunner::new(config)
        .run(&values, |value| (property.borrow_mut())(value))
        .unwrap();
}
