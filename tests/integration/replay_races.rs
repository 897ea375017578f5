//! Processes that record the same webhooks concurrently neither deadlock nor record an event twice.

use std::collections::HashSet;
use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::ledger::{self, Appended};
use mailglass::projection::{Projection, fold};
use mailglass::{EventType, NewDelivery, NewEvent, Stream};

use crate::support::{
    TENANT, at, at_once, backend_pid, connect, connected, count_events, database, event, record_one, reload,
    wait_until_blocked,
};

const CONNECTIONS: usize = 8;
const KEYS: usize = 1_000;

/// The events in an order that differs between connections.
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
    let appended: Vec<Vec<Appended>> = at_once(&database, CONNECTIONS, |worker, conn| {
        // The size of the batches differs between connections, so that the batches overlap.
        orders[worker]
            .chunks(100 + worker * 37)
            .flat_map(|batch| ledger::record(conn, batch).unwrap())
            .collect()
    });

    let appended: Vec<Appended> = appended.concat();
    let recorded = appended.iter().filter(|appended| !appended.is_replay()).count();
    assert_eq!(recorded, KEYS, "each key is recorded by exactly one connection");
    assert_eq!(appended.len(), KEYS * CONNECTIONS);
    let rows: HashSet<_> = appended.iter().map(|appended| appended.event().id).collect();
    assert_eq!(rows.len(), KEYS, "all connections get the same rows");
    assert_eq!(count_events(&mut conn) as usize, KEYS + deliveries.len());
    for delivery in &deliveries {
        let now = reload(&mut conn, delivery);
        assert_eq!(fold(&now.timeline(&mut conn).unwrap()), Some(Projection::from(&now)));
    }
}

/// The second call waits for the first one to commit. Its snapshot does not show the first one's row.
#[test]
fn a_replay_that_waits_for_the_first_call_to_commit_returns_its_row() {
    let (database, mut first) = connected();
    let same = event(EventType::Opened, 1).idempotency_key("same");
    // Plain SQL, because the commit must happen while the second call waits.
    sql_query("BEGIN").execute(&mut first).unwrap();
    let recorded = record_one(&mut first, same.clone());
    let replayed = thread::scope(|scope| {
        let mut second = connect(&database);
        let pid = backend_pid(&mut second);
        let waiting = scope.spawn(move || ledger::record(&mut second, &[same]).unwrap().remove(0));
        wait_until_blocked(&mut first, pid);
        sql_query("COMMIT").execute(&mut first).unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(replayed, Appended::Replayed(recorded));
}

/// `record` inserts keys in a fixed order, so that overlapping batches wait for each other.
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
            appended.iter().filter(|appended| !appended.is_replay()).count()
        });
        let recorded: usize = recorded.into_iter().sum();
        assert_eq!(recorded, batch.len());
    }
}
