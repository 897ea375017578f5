//! The projection is a pure function of the set of events, in whatever order they are recorded, folded or rebuilt.

use std::ops::ControlFlow;

use diesel::prelude::*;
use mailglass::projection::{Fact, Projection, fold, rebuild, rebuild_all, rebuild_in_steps};
use mailglass::{Delivery, DeliveryStatus, EventType, NewDelivery, NewEvent, ledger};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::support::{TENANT, at, connected, delivery, event, generate, insert, reload, to};

fn after(conn: &mut PgConnection, facts: &[(EventType, i64)]) -> Delivery {
    let delivery = delivery(conn);
    if !facts.is_empty() {
        ledger::record(conn, generate::events_of(delivery.id, facts)).unwrap();
    }
    reload(conn, &delivery)
}

/// The fold of the facts and of the delivery's first event.
fn reference(facts: &[(EventType, i64)]) -> Projection {
    let facts = facts.iter().copied().chain([(EventType::Queued, 0)]);
    fold(facts.map(|(event_type, seconds)| Fact {
        event_type,
        occurred_at: at(seconds),
    }))
    .unwrap()
}

#[test]
fn a_new_delivery_is_the_fold_of_its_first_event() {
    let (_database, mut conn) = connected();
    for &event_type in EventType::ALL {
        let delivery = insert(&mut conn, &to("ann@example.com").first_event(event_type, at(0)));
        let timeline = delivery.timeline(&mut conn).unwrap();
        assert_eq!(timeline.len(), 1);
        assert_eq!((timeline[0].type_, timeline[0].occurred_at), (event_type, at(0)));
        assert_eq!(Some(Projection::from(&delivery)), fold(&timeline), "{event_type}");
    }
}

#[test]
fn every_event_type_changes_the_columns_that_the_rules_name() {
    use DeliveryStatus::{Dispatched, Failed, Queued, Sent, Suppressed};
    let (_database, mut conn) = connected();
    // Type, status and terminal, copied from the design instead of computed by the code.
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
        let time_of = |stamped| (event_type == stamped).then(|| at(5));
        assert_eq!((now.status, now.terminal), (status, terminal), "{event_type}");
        assert_eq!((now.last_event_type, now.last_event_at), (event_type, at(5)));
        assert_eq!(now.dispatched_at, time_of(EventType::Dispatched));
        assert_eq!(now.delivered_at, time_of(EventType::Delivered));
        assert_eq!(now.bounced_at, time_of(EventType::Bounced));
        assert_eq!(now.complained_at, time_of(EventType::Complained));
        assert_eq!(now.suppressed_at, time_of(EventType::Suppressed));
    }
}

#[test]
fn the_lifecycle_rank_decides_between_simultaneous_events() {
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
fn time_columns_keep_the_earliest_event_and_the_last_event_is_the_latest() {
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
        // One event per delivery in each call, so that each is merged with the projection of the previous ones.
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

/// 2,000 histories with duplicate events, recorded in random slices, then compared with their fold and rebuilt.
#[test]
fn two_thousand_random_histories_equal_their_fold_and_their_rebuild() {
    const AT_ONCE: usize = 50;
    let (_database, mut conn) = connected();
    let histories = prop::collection::vec((generate::facts(6..=24), 1..8_usize), AT_ONCE);
    generate::for_all(40, histories, |histories| {
        let new: Vec<NewDelivery> = histories.iter().map(|_| to("ann@example.com")).collect();
        let rows = NewDelivery::insert_all(&mut conn, &new).unwrap();
        for ((facts, slice), row) in histories.iter().zip(&rows) {
            let mut events = generate::events_of(row.delivery().id, facts);
            // Record the first half twice.
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

/// Overwrites every projection column.
fn overwrite_projections(conn: &mut PgConnection) {
    diesel::sql_query(
        "UPDATE mailglass_deliveries SET last_event_type = 'unknown', last_event_at = '2001-01-01', terminal = NOT terminal,
             dispatched_at = now(), delivered_at = now(), bounced_at = now(), complained_at = now(),
             suppressed_at = now(), status = 'suppressed'",
    )
    .execute(conn)
    .unwrap();
}

#[test]
fn a_rebuild_corrects_the_projection_and_increments_the_lock_version_only_then() {
    let (_database, mut conn) = connected();
    let before = after(&mut conn, &[(EventType::Dispatched, 1), (EventType::Bounced, 2)]);
    overwrite_projections(&mut conn);
    let rebuilt = rebuild(&mut conn, TENANT, before.id).unwrap();
    assert_eq!(Projection::from(&rebuilt), Projection::from(&before));
    assert_eq!(rebuilt.lock_version, before.lock_version + 1);
    assert_eq!(rebuild(&mut conn, TENANT, before.id).unwrap(), rebuilt);
}

#[test]
fn rebuild_all_rebuilds_more_deliveries_than_one_step_of_one_tenant() {
    let (_database, mut conn) = connected();
    let batch: Vec<NewDelivery> = (0..2_500).map(|n| to(&format!("r{n}@example.com"))).collect();
    NewDelivery::insert_all(&mut conn, &batch).unwrap();
    let theirs = NewDelivery::new("other", "welcome", mailglass::Stream::Bulk, "eve@example.com");
    let theirs = insert(&mut conn, &theirs.first_event(EventType::Queued, at(0)));
    overwrite_projections(&mut conn);
    assert_eq!(rebuild_all(&mut conn, TENANT).unwrap(), 2_500);
    assert_eq!(rebuild_all(&mut conn, TENANT).unwrap(), 0);
    assert_eq!(reload(&mut conn, &theirs).status, DeliveryStatus::Suppressed);
}

#[test]
fn a_rebuild_of_a_missing_or_another_tenants_delivery_is_not_found() {
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
fn a_rebuild_reports_progress_and_stops_between_two_steps_on_request() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let deliveries: Vec<_> = (0..2_500).map(|n| to(&format!("{n}@example.com"))).collect();
    NewDelivery::insert_all(conn, &deliveries).unwrap();
    overwrite_projections(conn);

    let mut reported = Vec::new();
    let stopped = rebuild_in_steps(conn, TENANT, |progress| {
        reported.push((progress.deliveries, progress.corrected));
        ControlFlow::Break(())
    });
    let stopped = stopped.unwrap();
    assert_eq!(reported, [(1_000, 1_000)]);
    assert_eq!((stopped.deliveries, stopped.corrected), (1_000, 1_000));

    reported.clear();
    let all = rebuild_in_steps(conn, TENANT, |progress| {
        reported.push((progress.deliveries, progress.corrected));
        ControlFlow::Continue(())
    });
    assert_eq!(reported, [(1_000, 0), (2_000, 1_000), (2_500, 1_500)]);
    assert_eq!(
        all.unwrap().corrected,
        1_500,
        "the first call committed its corrections"
    );
}
