//! The events of a delivery are those that matched it when they were appended, and those that a sweep linked to it later.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use mailglass::projection::{self, Projection, fold};
use mailglass::reconciler::{self, SweepOptions, sweep};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, EventType, ledger};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::generate::{events_of, facts, for_all};
use crate::support::{
    TENANT, at, at_once, backend_pid, connect, connected, database, delivery, eager, event, insert, reload, sweep_now,
    to, wait_until_blocked, wait_until_blocked_or,
};

fn types_of(conn: &mut PgConnection, delivery: &Delivery) -> Vec<EventType> {
    delivery
        .timeline(conn)
        .unwrap()
        .iter()
        .map(|event| event.type_)
        .collect()
}

fn delete(conn: &mut PgConnection, id: Uuid) {
    diesel::delete(mailglass_deliveries::table.find(id))
        .execute(conn)
        .unwrap();
}

#[test]
fn an_event_recorded_before_its_delivery_counts_once_it_is_linked() {
    let (_database, mut conn) = connected();
    let id = Uuid::now_v7();
    ledger::record(&mut conn, &[event(EventType::Bounced, 5).delivery(id)]).unwrap();
    let delivery = insert(&mut conn, &to("ann@example.com").id(id));
    assert_eq!(types_of(&mut conn, &delivery), [EventType::Queued]);
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    assert_eq!(projection::rebuild(&mut conn, TENANT, id).unwrap(), delivery);
    let waiting = reconciler::waiting(&mut conn, TENANT, 10).unwrap();
    assert_eq!((waiting.len(), waiting[0].named_delivery_id), (1, Some(id)));
    assert_eq!(waiting[0].event.type_, EventType::Bounced);

    assert_eq!(sweep_now(&mut conn).linked, 1);
    assert_eq!(types_of(&mut conn, &delivery), [EventType::Queued, EventType::Bounced]);
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    assert_eq!(reload(&mut conn, &delivery).bounced_at, Some(at(5)));
    assert_eq!(reconciler::waiting(&mut conn, TENANT, 10).unwrap(), []);
}

#[test]
fn an_expired_event_does_not_count_for_a_delivery_inserted_later() {
    let (_database, mut conn) = connected();
    let id = Uuid::now_v7();
    ledger::record(&mut conn, &[event(EventType::Bounced, 5).delivery(id)]).unwrap();
    let give_up = SweepOptions {
        max_age: Duration::ZERO,
        ..eager()
    };
    assert_eq!(sweep(&mut conn, &give_up).unwrap().expired, 1);
    let delivery = insert(&mut conn, &to("ann@example.com").id(id));
    assert_eq!(types_of(&mut conn, &delivery), [EventType::Queued]);
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    assert_eq!(projection::rebuild_all(&mut conn, TENANT).unwrap(), 0);
    let expired = reconciler::expired(&mut conn, TENANT, 10).unwrap();
    assert_eq!(expired.len(), 1);
    assert!(expired[0].expired_at.is_some());
    assert_eq!(reconciler::expired(&mut conn, "other", 10).unwrap(), []);
}

#[test]
fn a_delivery_inserted_again_under_its_id_is_projected_from_its_earlier_events() {
    let (_database, mut conn) = connected();
    for_all(20, (facts(1..=5), facts(0..=3)), |(before, after)| {
        let conn = &mut conn;
        let id = Uuid::now_v7();
        to("ann@example.com").id(id).insert(conn).unwrap();
        ledger::record(conn, events_of(id, &before)).unwrap();
        delete(conn, id);
        if !after.is_empty() {
            ledger::record(conn, events_of(id, &after)).unwrap();
        }
        let again = insert(conn, &to("ann@example.com").id(id));
        let timeline = again.timeline(conn).unwrap();
        prop_assert_eq!(timeline.len(), 2 + before.len());
        prop_assert_eq!(Some(Projection::from(&again)), fold(&timeline));
        prop_assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
        prop_assert_eq!(sweep_now(conn).linked, after.len() as i64);
        prop_assert_eq!(again.timeline(conn).unwrap().len(), 2 + before.len() + after.len());
        prop_assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
        delete(conn, id);
        Ok(())
    });
}

/// An event that is recorded while its delivery is deleted and inserted again either matches the old delivery and counts for
/// the new one, or becomes an orphan.
#[test]
fn nothing_recorded_while_a_delivery_is_deleted_and_inserted_again_is_lost() {
    let database = database();
    let id = Uuid::now_v7();
    let mut conn = connect(&database);
    to("ann@example.com").id(id).insert(&mut conn).unwrap();
    at_once(&database, 4, |worker, conn| {
        for number in 0..60 {
            match worker {
                0 => {
                    delete(conn, id);
                    to("ann@example.com").id(id).insert(conn).unwrap();
                }
                1 => drop(sweep(conn, &eager()).unwrap()),
                _ => drop(ledger::record(conn, &[event(EventType::Opened, number).delivery(id)]).unwrap()),
            }
            assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
        }
    });
    sweep_now(&mut conn);
    let now = Delivery::find(&mut conn, TENANT, id).unwrap();
    let timeline = now.timeline(&mut conn).unwrap();
    assert_eq!(timeline.len(), 61 + 2 * 60);
    assert_eq!(fold(&timeline), Some(Projection::from(&now)));
}

/// `record` has matched the delivery and waits for an idempotency key. Nobody can replace the delivery meanwhile.
#[test]
fn a_delivery_is_not_replaced_between_matching_and_projecting_it() {
    let (database, mut holder) = connected();
    let id = Uuid::now_v7();
    to("ann@example.com").id(id).insert(&mut holder).unwrap();
    AnsiTransactionManager::begin_transaction(&mut holder).unwrap();
    let keyed = event(EventType::Sent, 1).idempotency_key("held");
    ledger::record(&mut holder, std::slice::from_ref(&keyed)).unwrap();

    let mut observer = connect(&database);
    let (mut recording, mut replacing) = (connect(&database), connect(&database));
    let pids = [backend_pid(&mut recording), backend_pid(&mut replacing)];
    std::thread::scope(|scope| {
        let batch = [event(EventType::Opened, 2).delivery(id), keyed];
        scope.spawn(move || ledger::record(&mut recording, &batch).unwrap());
        wait_until_blocked(&mut observer, pids[0]);
        let replaced = scope.spawn(move || {
            delete(&mut replacing, id);
            to("ann@example.com").id(id).insert(&mut replacing).unwrap();
        });
        wait_until_blocked_or(&mut observer, pids[1], || replaced.is_finished());
        AnsiTransactionManager::commit_transaction(&mut holder).unwrap();
    });
    assert_eq!(projection::verify(&mut observer, TENANT).unwrap(), []);
    let now = Delivery::find(&mut observer, TENANT, id).unwrap();
    assert_eq!(now.last_event_type, EventType::Opened);
}

#[test]
fn the_nil_uuid_is_an_id_like_any_other() {
    let (_database, mut conn) = connected();
    let nil = insert(&mut conn, &to("ann@example.com").id(Uuid::nil()));
    ledger::append(&mut conn, &[event(EventType::Opened, 1).delivery(nil.id)]).unwrap();
    assert_eq!(projection::rebuild_all(&mut conn, TENANT).unwrap(), 1);
    assert_eq!(reload(&mut conn, &nil).last_event_type, EventType::Opened);
}

#[test]
fn verify_of_the_new_tenant_reports_a_delivery_whose_tenant_was_changed() {
    let (_database, mut conn) = connected();
    let moved = delivery(&mut conn);
    delivery(&mut conn);
    diesel::update(&moved)
        .set(mailglass_deliveries::tenant_id.eq("other"))
        .execute(&mut conn)
        .unwrap();
    let found = projection::verify(&mut conn, "other").unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].has_facts_elsewhere);
    assert_eq!((found[0].delivery_id, found[0].expected), (moved.id, None));
    assert_eq!(
        found[0].to_string(),
        format!("delivery {}; tenant_id is changed, should be unchanged", moved.id)
    );
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
}
