//! Concurrent calls of `record` lose no event, and a concurrent rebuild overwrites no event.

use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::projection::{Projection, fold, rebuild, rebuild_all};
use mailglass::schema::mailglass_deliveries;
use mailglass::{EventType, NewEvent, ledger};
use uuid::Uuid;

use crate::support::{
    TENANT, at, at_once, backend_pid, connect, connected, database, delivery, event, reload, to, wait_until_blocked,
};

const CONNECTIONS: i64 = 8;
const ROUNDS: i64 = 60;

#[test]
fn eight_connections_recording_on_one_delivery_lose_nothing() {
    let database = database();
    let mut conn = connect(&database);
    let delivery = delivery(&mut conn);
    at_once(&database, CONNECTIONS as usize + 1, |worker, conn| {
        let worker = worker as i64;
        for round in 0..ROUNDS {
            if worker == CONNECTIONS {
                // The last worker rebuilds. A rebuild that reads the ledger before it locks the row would lose events.
                rebuild(conn, TENANT, delivery.id).unwrap();
                continue;
            }
            let number = round * CONNECTIONS + worker;
            let event_type = EventType::ALL[number as usize % EventType::ALL.len()];
            // Ascending and descending times, so that both the earliest and the latest event change.
            let times = [number, 1_000 - number];
            let events: Vec<NewEvent> = times
                .map(|seconds| event(event_type, seconds).delivery(delivery.id))
                .to_vec();
            ledger::record(conn, &events).unwrap();
        }
    });
    let delivery = reload(&mut conn, &delivery);
    let timeline = delivery.timeline(&mut conn).unwrap();
    assert_eq!(timeline.len() as i64, 1 + CONNECTIONS * ROUNDS * 2);
    assert_eq!(Some(Projection::from(&delivery)), fold(&timeline));
    assert_eq!(
        rebuild(&mut conn, TENANT, delivery.id).unwrap(),
        delivery,
        "the rebuild corrects nothing"
    );
}

/// A rebuild overwrites the columns, so it must lock the row before it reads the ledger.
#[test]
fn a_rebuild_that_waits_for_an_event_reads_it_afterwards() {
    let rebuilds: [fn(&mut PgConnection, Uuid); 2] = [
        |conn, id| drop(rebuild(conn, TENANT, id).unwrap()),
        |conn, _| assert_eq!(rebuild_all(conn, TENANT).unwrap(), 0),
    ];
    for rebuild in rebuilds {
        let (database, mut recording) = connected();
        let delivery = delivery(&mut recording);
        sql_query("BEGIN").execute(&mut recording).unwrap();
        ledger::record(&mut recording, &[event(EventType::Bounced, 5).delivery(delivery.id)]).unwrap();
        thread::scope(|scope| {
            let mut rebuilding = connect(&database);
            let pid = backend_pid(&mut rebuilding);
            scope.spawn(move || rebuild(&mut rebuilding, delivery.id));
            wait_until_blocked(&mut recording, pid);
            sql_query("COMMIT").execute(&mut recording).unwrap();
        });
        assert_eq!(reload(&mut recording, &delivery).bounced_at, Some(at(5)));
    }
}

/// If rows were locked in the order in which the plan reads them, two sessions with different plans could deadlock.
#[test]
fn rows_are_locked_in_the_order_of_their_ids_whatever_the_plan() {
    let (database, mut holding) = connected();
    // The rows are stored in descending order of their ids.
    for id in (1..=9).rev().map(Uuid::from_u128) {
        to("ann@example.com").id(id).insert(&mut holding).unwrap();
    }
    let row = |id| {
        mailglass_deliveries::table
            .find(Uuid::from_u128(id))
            .select(mailglass_deliveries::id)
    };

    for by_table in [false, true] {
        sql_query("BEGIN").execute(&mut holding).unwrap();
        let _: Uuid = row(5).for_update().first(&mut holding).unwrap();
        let mut recording = connect(&database);
        if by_table {
            // Force a sequential scan.
            for plan in ["nestloop", "mergejoin", "indexscan", "indexonlyscan", "bitmapscan"] {
                sql_query(format!("SET enable_{plan} = off"))
                    .execute(&mut recording)
                    .unwrap();
            }
        }
        let events: Vec<NewEvent> = (1..=9)
            .map(|id| event(EventType::Opened, 1).delivery(Uuid::from_u128(id)))
            .collect();
        let pid = backend_pid(&mut recording);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || ledger::record(&mut recording, &events));
            wait_until_blocked(&mut holding, pid);
            let mut other = connect(&database);
            let free: Vec<Uuid> = mailglass_deliveries::table
                .order(mailglass_deliveries::id)
                .select(mailglass_deliveries::id)
                .for_update()
                .skip_locked()
                .load(&mut other)
                .unwrap();
            // Commit before anything can panic, or the scope would wait forever.
            sql_query("COMMIT").execute(&mut holding).unwrap();
            waiting.join().unwrap().unwrap();
            assert_eq!(
                free,
                [6, 7, 8, 9].map(Uuid::from_u128),
                "it has locked the first 4 rows and waits for the 5th"
            );
        });
    }
}
