//! Processes that are killed in the middle: whoever recorded, and the server. Every acknowledged event is there once, none
//! is half projected, and whoever records the same again ends where it would have ended without the crash.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, hint, thread};

use diesel::prelude::*;
use mailglass::projection;
use mailglass::{EventType, NewEvent, ledger};
use scratch_postgres::{DURABLE, Server};
use uuid::Uuid;

use crate::support::{TENANT, connect, count_events, database, event, to};

const ROUNDS: usize = 50;
const DELIVERIES: u128 = 20;
const BATCH: usize = 8;

/// Says in which database a process records until it is killed, and which round it is in.
const CHILD: &str = "MAILGLASS_TEST_CHILD";

/// The same in every run, and without any order to it.
fn some(number: usize, of: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    hasher.finish() % of
}

/// Not a sleep: a point in the middle of what somebody else does.
fn wait_for_microseconds(microseconds: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(microseconds) {
        hint::spin_loop();
    }
}

fn enqueue(conn: &mut PgConnection) {
    for id in 1..=DELIVERIES {
        to("ann@example.com").id(Uuid::from_u128(id)).insert(conn).unwrap();
    }
}

/// A batch with keys of its own, spread over the deliveries.
fn batch(who: usize, number: usize) -> Vec<NewEvent> {
    let of = |index: usize| {
        let chance = some(who * 100_003 + number * 101 + index, u64::MAX) as usize;
        event(EventType::ALL[chance % EventType::ALL.len()], (chance / 16 % 90) as i64)
            .delivery(Uuid::from_u128(1 + chance as u128 / 1_000 % DELIVERIES))
            .idempotency_key(format!("{who}:{number}:{index}"))
    };
    (0..BATCH).map(of).collect()
}

fn is_exact(conn: &mut PgConnection, batches: usize) {
    assert_eq!(count_events(conn) as usize, DELIVERIES as usize + batches * BATCH);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
}

/// Not a test of itself: the process that the next one starts, and kills.
#[test]
fn child() {
    let Ok(child) = env::var(CHILD) else { return };
    let (round, url) = child.split_once(' ').unwrap();
    let mut conn = PgConnection::establish(url).unwrap();
    for number in 0.. {
        ledger::record(&mut conn, &batch(round.parse().unwrap(), number)).unwrap();
        println!("recorded {number}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn a_recorder_that_is_killed_has_lost_nothing_that_it_was_told() {
    let database = database();
    let mut conn = connect(&database);
    enqueue(&mut conn);
    let mut batches = 0;
    let mut seen = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crashes::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, format!("{round} {}", database.url()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut told = 0;
        let mut line = String::new();
        while told <= some(round, 4) as usize {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended by itself");
            told += usize::from(line.contains("recorded "));
        }
        wait_for_microseconds(some(round, 4_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        told += rest.matches("recorded ").count();

        for number in 0..told {
            let again = ledger::record(&mut conn, &batch(round, number)).unwrap();
            assert!(
                again.iter().all(|it| it.is_replay()),
                "round {round}: batch {number} was acknowledged"
            );
        }
        // The one that it was at, and the server with it, perhaps still: all of it or nothing.
        let again = ledger::record(&mut conn, &batch(round, told)).unwrap();
        let replays = again.iter().filter(|it| it.is_replay()).count();
        assert!(replays == 0 || replays == BATCH, "round {round}: {replays} of {BATCH}");
        seen.insert(replays);
        batches += told + 1;
    }
    is_exact(&mut conn, batches);
    assert!(
        seen.contains(&0),
        "some were killed before the server had done their batch"
    );
}

#[test]
fn a_server_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    let server = Server::start_with(&DURABLE).unwrap();
    let database = server.database().unwrap();
    let mut conn = connect(&database);
    mailglass::migrations::run(&mut conn).unwrap();
    enqueue(&mut conn);

    const RECORDERS: usize = 3;
    let acknowledged = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for who in 0..RECORDERS {
            let (database, acknowledged, failures, is_over) = (&database, &acknowledged, &failures, &is_over);
            scope.spawn(move || {
                let mut conn = PgConnection::establish(database.url()).ok();
                let mut number = 0;
                while !is_over.load(Ordering::SeqCst) {
                    // What a client does: connects again, and records again what it wasn't told about.
                    let recorded = match &mut conn {
                        Some(conn) => ledger::record(conn, &batch(who, number)).is_ok(),
                        None => false,
                    };
                    if recorded {
                        number += 1;
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    } else {
                        failures.fetch_add(usize::from(conn.is_some()), Ordering::SeqCst);
                        conn = PgConnection::establish(database.url()).ok();
                    }
                }
                // The last one may have landed although nobody was told.
                let mut conn = connect(database);
                ledger::record(&mut conn, &batch(who, number)).unwrap();
                acknowledged.fetch_add(1, Ordering::SeqCst);
            });
        }
        for round in 0..ROUNDS {
            let before = acknowledged.load(Ordering::SeqCst);
            while acknowledged.load(Ordering::SeqCst) <= before + some(round, 5) as usize {
                thread::yield_now();
            }
            wait_for_microseconds(some(round, 3_000));
            server.crash().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let mut conn = connect(&database);
    is_exact(&mut conn, acknowledged.into_inner());
    assert!(failures.into_inner() >= ROUNDS, "every crash hit somebody");
}
