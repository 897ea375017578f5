//! `explain` names the event that decides each column of the projection.

use mailglass::projection::{Decision, fold};
use mailglass::{EventType, ledger};
use proptest::prelude::*;

use crate::support::generate::{delivery_with, facts, for_all};
use crate::support::{at, connected, delivery, event, reload};

fn decision<'a>(decisions: &'a [Decision], column: &str) -> &'a Decision {
    decisions.iter().find(|decision| decision.column == column).unwrap()
}

#[test]
fn each_column_is_explained_by_its_event() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    let events = [
        event(EventType::Opened, 30).delivery(delivery.id),
        event(EventType::Bounced, 20).delivery(delivery.id),
        event(EventType::Bounced, 10)
            .delivery(delivery.id)
            .trace_id("the first"),
        event(EventType::Delivered, 15).delivery(delivery.id),
    ];
    ledger::record(conn, &events).unwrap();
    let decisions = reload(conn, &delivery).explain(conn).unwrap();
    for (column, event_type, seconds) in [
        ("last_event_type", EventType::Opened, 30),
        ("last_event_at", EventType::Opened, 30),
        ("terminal", EventType::Bounced, 10),
        ("delivered_at", EventType::Delivered, 15),
        ("bounced_at", EventType::Bounced, 10),
        ("status", EventType::Bounced, 10),
    ] {
        let decision = decision(&decisions, column);
        let event = decision.event.as_ref().unwrap();
        assert_eq!((event.type_, event.occurred_at), (event_type, at(seconds)), "{column}");
        assert_eq!(decision.found, decision.expected, "{column}");
    }
    assert_eq!(
        decision(&decisions, "bounced_at")
            .event
            .as_ref()
            .unwrap()
            .trace_id
            .as_deref(),
        Some("the first")
    );
    for column in ["dispatched_at", "complained_at", "suppressed_at"] {
        let decision = decision(&decisions, column);
        assert_eq!(
            (&decision.found, &decision.expected, &decision.event),
            (&None, &None, &None)
        );
    }
}

#[test]
fn an_outdated_copy_is_explained_with_found_and_expected_values() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let copy = delivery(conn);
    ledger::record(conn, &[event(EventType::Delivered, 5).delivery(copy.id)]).unwrap();
    let decisions = copy.explain(conn).unwrap();
    let status = decision(&decisions, "status");
    assert_eq!(
        (status.found.as_deref(), status.expected.as_deref()),
        (Some("queued"), Some("sent"))
    );
}

#[test]
fn the_fold_of_the_named_events_is_the_projection() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    for_all(40, facts(0..=8), |facts| {
        let delivery = delivery_with(conn, &facts);
        let row = reload(conn, &delivery);
        let decisions = row.explain(conn).unwrap();
        let named: Vec<_> = decisions.iter().filter_map(|decision| decision.event.clone()).collect();
        prop_assert_eq!(fold(&named), fold(&delivery.timeline(conn).unwrap()));
        for decision in &decisions {
            prop_assert_eq!(&decision.found, &decision.expected);
            prop_assert_eq!(
                decision.event.is_none(),
                decision.found.is_none() || (decision.column == "terminal" && !row.terminal)
            );
        }
        Ok(())
    });
}
