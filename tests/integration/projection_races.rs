//! R2, R3: concurrent recording loses nothing, and a rebuild overwrites nothing.

use std::sync::Barrier;
use std::thread;

use mailglass::projection::{Projection, fold, rebuild};
use mailglass::{EventType, NewEvent, ledger};

use crate::support::{TENANT, connect, database, delivery, event, reload};

const CONNECTIONS: i64 = 8;
const ROUNDS: i64 = 60;

#[test]
fn eight_connections_recording_on_one_delivery_lose_nothing() {
    let database = database();
    let mut conn = connect(&database);
    let delivery = delivery(&mut conn);
    let barrier = Barrier::new(CONNECTIONS as usize + 1);
    thread::scope(|scope| {
        for worker in 0..CONNECTIONS {
            let (database, barrier, id) = (&database, &barrier, delivery.id);
            scope.spawn(move || {
                let mut conn = connect(database);
                barrier.wait();
                for round in 0..ROUNDS {
                    let number = round * CONNECTIONS + worker;
                    let event_type = EventType::ALL[number as usize % EventType::ALL.len()];
                    // The later ones happened earlier, so that both ends of the stamps and of the last event move.
                    let times = [number, 1_000 - number];
                    let events: Vec<NewEvent> = times.map(|it| event(event_type, it).delivery(id)).to_vec();
                    ledger::record(&mut conn, &events).unwrap();
                }
            });
        }
        // Meanwhile the row is rebuilt over and over: a rebuild that read too early would set it back.
        let (database, barrier, id) = (&database, &barrier, delivery.id);
        scope.spawn(move || {
            let mut conn = connect(database);
            barrier.wait();
            for _ in 0..ROUNDS {
                rebuild(&mut conn, TENANT, id).unwrap();
            }
        });
    });
    let delivery = reload(&mut conn, &delivery);
    let timeline = delivery.timeline(&mut conn).unwrap();
    assert_eq!(timeline.len() as i64, 1 + CONNECTIONS * ROUNDS * 2);
    assert_eq!(Some(Projection::from(&delivery)), fold(&timeline));
    assert_eq!(
        rebuild(&mut conn, TENANT, delivery.id).unwrap(),
        delivery,
        "nothing was left to correct"
    );
}
