//! R1, R2, R3: the projection is a pure function of the set of events, whichever way it is made.

use std::ops::ControlFlow;

use diesel::prelude::*;
use mailglass::projection::{Fact, Projection, fold, rebuild, rebuild_all, rebuild_in_steps};
use mailglass::{Delivery, DeliveryStatus, EventType, NewDelivery, NewEvent, ledger};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::support::{TENANT, at, connected, delivery, event, generate, reload, to};

fn after(conn: &mut PgConnection, facts: &[(EventType, i64)]) -> Delivery {
    let delivery = delivery(conn);
    if !facts.is_empty() {
        ledger::record(conn, &generate::events_of(delivery.id, facts)).unwrap();
    }
    reload(conn, &delivery)
}

/// The reference's answer: the facts and the first event, which every delivery is born with.
fn reference(facts: &[(EventType, i64)]) -> Projection {
    let facts = facts.iter().copied().chain([(EventType::Queued, 0)]);
    fold(facts.map(|(event_type, seconds)| Fact {
        event_type,
        occurred_at: at(seconds),
    }))
    .unwrap()
}

#[test]
fn a_delivery_is_born_as_the_fold_of_its_first_event() {
    let (_database, mut conn) = connected();
    for &event_type in EventType::ALL {
        let delivery = to("ann@example.com")
            .first_event(event_type, at(0))
            .insert(&mut conn)
            .unwrap()
            .into_delivery();
        let timeline = delivery.timeline(&mut conn).unwrap();
        assert_eq!(timeline.len(), 1);
        assert_eq!((timeline[0].type_, timeline[0].occurred_at), (event_type, at(0)));
        assert_eq!(Some(Projection::from(&delivery)), fold(&timeline), "{event_type}");
    }
}

#[test]
fn every_type_moves_the_columns_that_the_rules_name() {
    use DeliveryStatus::{Dispatched, Failed, Queued, Sent, Suppressed};
    let (_database, mut conn) = connected();
    // Written out from the design, not from the code: type, status, terminal.
    let expected = [
        (EventType::Queued, Queued, false),
        (EventType::Sent, Sent, false),
        (EventType::Rejected, Failed, true),
        (EventType::Failed, Failed, true),
        (EventType::Bounced, Failed, true),
        (EventType::Deferred, Queued, false),
        (EventType::Delivered, Sent, true),
        (EventType::Autoresponded, Sent, false),
        (EventType::Opened, Sent, false),
        (EventType::Clicked, Sent, false),
        (EventType::Complained, Sent, true),
        (EventType::Unsubscribed, Queued, false),
        (EventType::Subscribed, Queued, false),
        (EventType::Unknown, Queued, false),
        (EventType::Dispatched, Dispatched, false),
        (EventType::Suppressed, Suppressed, true),
    ];
    assert_eq!(expected.map(|(event_type, ..)| event_type), EventType::ALL);
    for (event_type, status, terminal) in expected {
        let now = after(&mut conn, &[(event_type, 5)]);
        let stamp = |of| (event_type == of).then(|| at(5));
        assert_eq!((now.status, now.terminal), (status, terminal), "{event_type}");
        assert_eq!((now.last_event_type, now.last_event_at), (event_type, at(5)));
        assert_eq!(now.dispatched_at, stamp(EventType::Dispatched));
        assert_eq!(now.delivered_at, stamp(EventType::Delivered));
        assert_eq!(now.bounced_at, stamp(EventType::Bounced));
        assert_eq!(now.complained_at, stamp(EventType::Complained));
        assert_eq!(now.suppressed_at, stamp(EventType::Suppressed));
    }
}

#[test]
fn at_the_same_instant_the_lifecycle_decides_and_not_the_arrival() {
    let (_database, mut conn) = connected();
    let pairs = [
        (EventType::Dispatched, EventType::Delivered),
        (EventType::Delivered, EventType::Opened),
        (EventType::Queued, EventType::Dispatched),
        (EventType::Delivered, EventType::Bounced),
    ];
    for (lower, higher) in pairs {
        for order in [[(lower, 3), (higher, 3)], [(higher, 3), (lower, 3)]] {
            assert_eq!(after(&mut conn, &order).last_event_type, higher);
        }
    }
}

#[test]
fn stamps_keep_the_earliest_and_late_events_do_not_turn_back_the_last_one() {
    let (_database, mut conn) = connected();
    let facts = [
        (EventType::Delivered, 9),
        (EventType::Opened, 20),
        (EventType::Delivered, 4),
        (EventType::Dispatched, 2),
    ];
    let now = after(&mut conn, &facts);
    assert_eq!(now.delivered_at, Some(at(4)));
    assert_eq!((now.last_event_type, now.last_event_at), (EventType::Opened, at(20)));
    assert_eq!(now.status, DeliveryStatus::Sent);
}

#[test]
fn every_permutation_of_up_to_five_events_projects_the_same() {
    let (_database, mut conn) = connected();
    generate::for_all(24, generate::facts(1..=5), |facts| {
        let expected = reference(&facts);
        let orders = permutations(facts);
        let deliveries: Vec<NewDelivery> = orders.iter().map(|_| to("ann@example.com")).collect();
        let inserted = NewDelivery::insert_all(&mut conn, &deliveries).unwrap();
        let longest = orders[0].len();
        // One event a delivery and call, so that each is joined with what the one before it left.
        for step in 0..longest {
            let events: Vec<NewEvent> = (orders.iter().zip(&inserted))
                .map(|(order, row)| event(order[step].0, order[step].1).delivery(row.delivery().id))
                .collect();
            ledger::record(&mut conn, &events).unwrap();
        }
        for row in &inserted {
            let now = reload(&mut conn, row.delivery());
            prop_assert_eq!(Projection::from(&now), expected);
        }
        Ok(())
    });
}

fn permutations(facts: Vec<(EventType, i64)>) -> Vec<Vec<(EventType, i64)>> {
    if facts.len() <= 1 {
        return vec![facts];
    }
    let mut all = Vec::new();
    for first in 0..facts.len() {
        let mut rest = facts.clone();
        let head = rest.remove(first);
        all.extend(permutations(rest).into_iter().map(|mut tail| {
            tail.insert(0, head);
            tail
        }));
    }
    all
}

/// At least 2,000 longer histories, with duplicates: recorded in random slices, folded by the reference, rebuilt.
#[test]
fn two_thousand_random_histories_agree_with_the_fold_and_with_a_rebuild() {
    const AT_ONCE: usize = 50;
    let (_database, mut conn) = connected();
    let histories = prop::collection::vec((generate::facts(6..=24), 1..8_usize), AT_ONCE);
    generate::for_all(40, histories, |histories| {
        let new: Vec<NewDelivery> = histories.iter().map(|_| to("ann@example.com")).collect();
        let rows = NewDelivery::insert_all(&mut conn, &new).unwrap();
        for ((facts, slice), row) in histories.iter().zip(&rows) {
            let mut events = generate::events_of(row.delivery().id, facts);
            // The first half once more, in the same slices or others.
            events.extend_from_within(..facts.len() / 2);
            for slice in events.chunks(*slice) {
                ledger::record(&mut conn, slice).unwrap();
            }
        }
        for ((facts, _), row) in histories.iter().zip(&rows) {
            let now = reload(&mut conn, row.delivery());
            prop_assert_eq!(Projection::from(&now), reference(facts));
            prop_assert_eq!(fold(&now.timeline(&mut conn).unwrap()), Some(reference(facts)));
        }
        Ok(())
    });
    assert_eq!(
        rebuild_all(&mut conn, TENANT).unwrap(),
        0,
        "a rebuild finds nothing to correct"
    );
}

#[test]
fn the_fold_is_commutative_associative_and_idempotent() {
    proptest!(Config { failure_persistence: None, ..Config::default() }, |(
        facts in generate::facts(1..=24), seed in any::<prop::sample::Index>()
    )| {
        let fact = |&(event_type, seconds): &(EventType, i64)| Fact { event_type, occurred_at: at(seconds) };
        let whole = fold(facts.iter().map(fact));
        let mut turned = facts.clone();
        turned.rotate_left(seed.index(facts.len()));
        turned.reverse();
        prop_assert_eq!(whole, fold(turned.iter().map(fact)));
        prop_assert_eq!(whole, fold(facts.iter().chain(&turned).map(fact)));
    });
    assert_eq!(fold(Vec::<Fact>::new()), None);
}

/// Spoils every projection column, as no code of this crate can.
fn spoil(conn: &mut PgConnection) {
    diesel::sql_query(
        "UPDATE mailglass_deliveries SET last_event_type = 'unknown', last_event_at = '2001-01-01', terminal = NOT terminal,
             dispatched_at = now(), delivered_at = now(), bounced_at = now(), complained_at = now(),
             suppressed_at = now(), status = 'suppressed'",
    )
    .execute(conn)
    .unwrap();
}

#[test]
fn a_rebuild_restores_what_was_spoiled_and_bumps_the_lock_only_then() {
    let (_database, mut conn) = connected();
    let before = after(&mut conn, &[(EventType::Dispatched, 1), (EventType::Bounced, 2)]);
    spoil(&mut conn);
    let rebuilt = rebuild(&mut conn, TENANT, before.id).unwrap();
    assert_eq!(Projection::from(&rebuilt), Projection::from(&before));
    assert_eq!(rebuilt.lock_version, before.lock_version + 1);
    assert_eq!(rebuild(&mut conn, TENANT, before.id).unwrap(), rebuilt);
}

#[test]
fn rebuild_all_goes_through_more_deliveries_than_one_step_takes_and_stays_in_the_tenant() {
    let (_database, mut conn) = connected();
    let batch: Vec<NewDelivery> = (0..2_500).map(|n| to(&format!("r{n}@example.com"))).collect();
    NewDelivery::insert_all(&mut conn, &batch).unwrap();
    let theirs = NewDelivery::new("other", "welcome", mailglass::Stream::Bulk, "eve@example.com");
    let theirs = theirs
        .first_event(EventType::Queued, at(0))
        .insert(&mut conn)
        .unwrap()
        .into_delivery();
    spoil(&mut conn);
    assert_eq!(rebuild_all(&mut conn, TENANT).unwrap(), 2_500);
    assert_eq!(rebuild_all(&mut conn, TENANT).unwrap(), 0);
    assert_eq!(reload(&mut conn, &theirs).status, DeliveryStatus::Suppressed);
}

#[test]
fn a_rebuild_of_what_is_not_there_or_is_anothers_is_not_found() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
    assert!(
        rebuild(&mut conn, TENANT, uuid::Uuid::now_v7())
            .unwrap_err()
            .is_not_found()
    );
    assert!(rebuild(&mut conn, "other", delivery.id).unwrap_err().is_not_found());
}

#[test]
fn a_rebuild_says_how_far_it_is_and_stops_between_two_steps_when_told_to() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let deliveries: Vec<_> = (0..2_500).map(|n| to(&format!("{n}@example.com"))).collect();
    NewDelivery::insert_all(conn, &deliveries).unwrap();
    spoil(conn);

    let mut told = Vec::new();
    let stopped = rebuild_in_steps(conn, TENANT, |so_far| {
        told.push((so_far.deliveries, so_far.corrected));
        ControlFlow::Break(())
    });
    let stopped = stopped.unwrap();
    assert_eq!(told, [(1_000, 1_000)]);
    assert_eq!((stopped.deliveries, stopped.corrected), (1_000, 1_000));

    told.clear();
    let all = rebuild_in_steps(conn, TENANT, |so_far| {
        told.push((so_far.deliveries, so_far.corrected));
        ControlFlow::Continue(())
    });
    assert_eq!(told, [(1_000, 0), (2_000, 1_000), (2_500, 1_500)]);
    assert_eq!(all.unwrap().corrected, 1_500, "what the first call did was done");
}
