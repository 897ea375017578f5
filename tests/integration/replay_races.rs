//! R9: processes that record the same webhooks at once neither deadlock nor count twice.

use std::collections::HashSet;
use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::ledger::{self, Appended};
use mailglass::projection::{Projection, fold};
use mailglass::{EventType, NewDelivery, NewEvent, Stream};

use crate::support::{
    TENANT, at, at_once, backend_pid, connect, connected, count_events, database, event, reload, wait_until_blocked,
};

const CONNECTIONS: usize = 8;
const KEYS: usize = 1_000;

/// The same events in another order on each connection.
fn shuffled(events: &[NewEvent], by: usize) -> Vec<NewEvent> {
    let mut events = events.to_vec();
    let length = events.len();
    events.rotate_left(by * length / CONNECTIONS);
    if by % 2 == 1 {
        events.reverse();
    }
    events
}

#[test]
fn eight_connections_record_a_thousand_shared_keys_once_each() {
    let database = database();
    let mut conn = connect(&database);
    let recipients: Vec<NewDelivery> = (0..50)
        .map(|n| {
            NewDelivery::new(TENANT, "newsletter", Stream::Bulk, format!("reader{n}@example.com"))
                .first_event(EventType::Queued, at(0))
        })
        .collect();
    let deliveries: Vec<_> = NewDelivery::insert_all(&mut conn, &recipients)
        .unwrap()
        .into_iter()
        .map(|inserted| inserted.into_delivery())
        .collect();
    let events: Vec<NewEvent> = (0..KEYS)
        .map(|n| {
            let event_type = EventType::ALL[n % EventType::ALL.len()];
            event(event_type, (n % 7) as i64)
                .delivery(deliveries[n % deliveries.len()].id)
                .idempotency_key(format!("key-{n}"))
        })
        .collect();

    let orders: Vec<_> = (0..CONNECTIONS).map(|worker| shuffled(&events, worker)).collect();
    let answers: Vec<Vec<Appended>> = at_once(&database, CONNECTIONS, |worker, conn| {
        // In batches of different sizes, so that they overlap in every way.
        orders[worker]
            .chunks(100 + worker * 37)
            .flat_map(|batch| ledger::record(conn, batch).unwrap())
            .collect()
    });

    let recorded = answers.iter().flatten().filter(|it| !it.is_replay()).count();
    assert_eq!(recorded, KEYS, "each key is recorded by exactly one of them");
    assert_eq!(answers.iter().flatten().count(), KEYS * CONNECTIONS);
    let rows: HashSet<_> = answers.iter().flatten().map(|it| it.event().id).collect();
    assert_eq!(rows.len(), KEYS, "all were given the same rows");
    assert_eq!(count_events(&mut conn) as usize, KEYS + deliveries.len());
    for delivery in &deliveries {
        let now = reload(&mut conn, delivery);
        assert_eq!(fold(&now.timeline(&mut conn).unwrap()), Some(Projection::from(&now)));
    }
}

/// The one that comes second waits for the first to commit, whose row its own snapshot can't show.
#[test]
fn a_replay_that_waits_for_its_twins_commit_is_given_the_twins_row() {
    let (database, mut first) = connected();
    let twin = event(EventType::Opened, 1).idempotency_key("twin");
    // By hand, because the commit falls in the middle.
    sql_query("BEGIN").execute(&mut first).unwrap();
    let recorded = ledger::record(&mut first, std::slice::from_ref(&twin))
        .unwrap()
        .remove(0)
        .into_event();
    let replayed = thread::scope(|scope| {
        let mut second = connect(&database);
        let pid = backend_pid(&mut second);
        let waiting = scope.spawn(move || ledger::record(&mut second, &[twin]).unwrap().remove(0));
        wait_until_blocked(&mut first, pid);
        sql_query("COMMIT").execute(&mut first).unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(replayed, Appended::Replayed(recorded));
}

/// Batches in one order wait for each other; in two they would deadlock.
#[test]
fn overlapping_batches_in_opposite_orders_do_not_deadlock() {
    let database = database();
    for round in 0..10 {
        let batch: Vec<NewEvent> = (0..200)
            .map(|n| event(EventType::Sent, 1).idempotency_key(format!("{round}:{n:03}")))
            .collect();
        let reversed: Vec<NewEvent> = batch.iter().rev().cloned().collect();
        let orders = [&batch, &reversed];
        let recorded = at_once(&database, 2, |worker, conn| {
            let appended = ledger::record(conn, orders[worker]).unwrap();
            appended.iter().filter(|it| !it.is_replay()).count()
        });
        let recorded: usize = recorded.into_iter().sum();
        assert_eq!(recorded, batch.len());
    }
}
