//! `record_each` records the events of a batch whose keys do not conflict.

use mailglass::ledger::{self, Outcome};
use mailglass::{EventType, NewEvent};
use proptest::prelude::*;

use crate::support::generate::for_all;
use crate::support::{TENANT, at, connected, count_events, delivery, event, record_one, reload};

#[test]
fn each_event_has_its_own_outcome_in_input_order() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    let about = |event_type, key: &str| event(event_type, 1).delivery(delivery.id).idempotency_key(key);
    let theirs = NewEvent::new("other", EventType::Opened, at(1)).idempotency_key("theirs");
    ledger::record(conn, &[theirs]).unwrap();
    let first = record_one(conn, about(EventType::Sent, "sent"));

    let outcomes = ledger::record_each(
        conn,
        &[
            about(EventType::Bounced, "sent"),
            about(EventType::Delivered, "delivered"),
            about(EventType::Sent, "sent"),
            about(EventType::Opened, "theirs"),
            about(EventType::Clicked, "delivered"),
        ],
    )
    .unwrap();
    let Outcome::Recorded(delivered) = &outcomes[1] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        outcomes[0],
        Outcome::Conflicting {
            event: Some(first.clone()),
            fields: vec!["type".to_owned()]
        }
    );
    assert_eq!(outcomes[2], Outcome::Replayed(first));
    assert_eq!(
        outcomes[3],
        Outcome::Conflicting {
            event: None,
            fields: vec!["tenant_id".to_owned()]
        },
        "the other tenant's event is not returned"
    );
    assert_eq!(
        outcomes[4],
        Outcome::Conflicting {
            event: Some(delivered.clone()),
            fields: vec!["type".to_owned()]
        },
        "the key belongs to the first event of the batch"
    );
    assert_eq!(reload(conn, &delivery).delivered_at, Some(at(1)));
    assert_eq!(reload(conn, &delivery).bounced_at, None);
    assert_eq!(mailglass::projection::verify(conn, TENANT).unwrap(), []);
}

/// If `record` accepts a batch, both have the same outcomes. If it reports a conflict, `record_each` reports that conflict
/// and records the other events.
#[test]
fn record_each_agrees_with_record() {
    let (_database, mut conn) = connected();
    let key = (0..4_u8, prop::sample::select(vec![EventType::Sent, EventType::Opened]));
    let mut round = 0;
    for_all(60, prop::collection::vec(key, 1..6), |events| {
        let conn = &mut conn;
        round += 1;
        let events_of = |tenant: &str| -> Vec<NewEvent> {
            let of = |(key, event_type): &(u8, EventType)| {
                NewEvent::new(tenant, *event_type, at(1)).idempotency_key(format!("{tenant}:{round}:{key}"))
            };
            events.iter().map(of).collect()
        };
        let strict = ledger::record(conn, events_of("strict"));
        let before = count_events(conn);
        let each = ledger::record_each(conn, events_of("each")).unwrap();
        let recorded = each
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Recorded(_)))
            .count();
        prop_assert_eq!(count_events(conn) - before, recorded as i64);
        let keys: std::collections::BTreeSet<_> = events.iter().map(|(key, _)| key).collect();
        prop_assert_eq!(recorded, keys.len());
        match strict {
            Ok(appended) => {
                for (appended, outcome) in appended.iter().zip(&each) {
                    let is_replay = matches!(outcome, Outcome::Replayed(_));
                    prop_assert_eq!(appended.is_replay(), is_replay);
                }
            }
            Err(error) => {
                prop_assert!(error.is_idempotency_conflict());
                let conflicts = each
                    .iter()
                    .filter(|outcome| matches!(outcome, Outcome::Conflicting { .. }))
                    .count();
                prop_assert!(conflicts > 0);
            }
        }
        Ok(())
    });
}
