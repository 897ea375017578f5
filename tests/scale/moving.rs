//! Moving a schema to another node while it is used.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use diesel::prelude::*;
use mailglass::{Delivery, EventType, contract, ledger, projection};
use test_support::{TENANT, count_events, event, insert, sweep_now, to};

use crate::support::{Migrated, connected, move_away};

const WRITERS: usize = 3;
const MOVES: usize = 4;

/// What a writer did.
#[derive(Default)]
struct Written {
    events: i64,
    serialization_failures: usize,
    /// The texts of all other errors.
    errors: Vec<String>,
}

/// Records batches until `is_over`, and repeats a batch that fails with the same keys.
fn write(conn: &mut PgConnection, writer: usize, deliveries: &[Delivery], is_over: &AtomicBool) -> Written {
    let mut written = Written::default();
    let mut batch = 0;
    while !is_over.load(Ordering::Relaxed) {
        let events: Vec<_> = (deliveries.iter().enumerate())
            .map(|(number, delivery)| {
                event(EventType::Opened, batch)
                    .delivery(delivery.id)
                    .idempotency_key(format!("{writer}:{batch}:{number}"))
            })
            .collect();
        // A batch, and a single event, which is a statement of its own.
        for part in [&events[1..], &events[..1]] {
            loop {
                match ledger::record(conn, part) {
                    Ok(_) => break,
                    Err(error) if error.is_serialization_failure() => written.serialization_failures += 1,
                    // The test fails. Repeated forever, it would not end.
                    Err(error) => {
                        written.errors.push(error.to_string());
                        return written;
                    }
                }
            }
        }
        written.events += events.len() as i64;
        batch += 1;
    }
    written
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn moving_a_schema_under_load_loses_nothing() {
    let (schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    let deliveries: Vec<Delivery> = (0..20)
        .map(|number| insert(conn, &to(&format!("{number}@example.com"))))
        .collect();
    let is_over = AtomicBool::new(false);
    let written: Vec<Written> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (schema, deliveries, is_over) = (&schema, &deliveries, &is_over);
                scope.spawn(move || {
                    let mut conn = PgConnection::establish(schema.url()).unwrap();
                    write(&mut conn, writer, deliveries, is_over)
                })
            })
            .collect();
        for _ in 0..MOVES {
            move_away(conn, &schema);
        }
        is_over.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let events: i64 = written.iter().map(|written| written.events).sum();
    let failures: usize = written.iter().map(|written| written.serialization_failures).sum();
    let errors: Vec<&String> = written.iter().flat_map(|written| &written.errors).collect();
    println!("{events} events recorded, {MOVES} moves, {failures} serialization failures, other errors: {errors:?}");
    assert_eq!(count_events(conn), 20 + events);
    assert_eq!(errors, Vec::<&String>::new());
    sweep_now(conn);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(contract::verify(conn).unwrap(), []);
}
