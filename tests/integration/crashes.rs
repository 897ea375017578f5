//! A recorder or the server is killed in the middle of a call: every acknowledged event is recorded once, none is recorded
//! without its projection, and recording the same events again leads to the state that an uninterrupted call leads to.

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

/// The environment variable that makes `child` record: the round and the database URL, separated by a space.
const CHILD: &str = "MAILGLASS_TEST_CHILD";

/// A pseudo-random number below `end`, the same in every run.
fn random_below(end: u64, seed: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    hasher.finish() % end
}

/// Waits without sleeping, because a sleep is too coarse to hit the middle of a call.
fn wait_for_microseconds(microseconds: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(microseconds) {
        hint::spin_loop();
    }
}

fn insert_deliveries(conn: &mut PgConnection) {
    for id in 1..=DELIVERIES {
        to("ann@example.com").id(Uuid::from_u128(id)).insert(conn).unwrap();
    }
}

/// A batch of events of random deliveries. No other batch has the same keys.
fn batch(recorder: usize, number: usize) -> Vec<NewEvent> {
    let of = |index: usize| {
        let random = random_below(u64::MAX, recorder * 100_003 + number * 101 + index) as usize;
        event(EventType::ALL[random % EventType::ALL.len()], (random / 16 % 90) as i64)
            .delivery(Uuid::from_u128(1 + random as u128 / 1_000 % DELIVERIES))
            .idempotency_key(format!("{recorder}:{number}:{index}"))
    };
    (0..BATCH).map(of).collect()
}

/// Asserts that this many batches are recorded and projected.
fn assert_recorded(conn: &mut PgConnection, batches: usize) {
    assert_eq!(count_events(conn) as usize, DELIVERIES as usize + batches * BATCH);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
}

/// Not a test by itself: the process that the next test starts and kills.
#[test]
fn child() {
    let Ok(child) = env::var(CHILD) else { return };
    let (round, url) = child.split_once(' ').unwrap();
    let mut conn = PgConnection::establish(url).unwrap();
    for number in 0.. {
        ledger::record(&mut conn, batch(round.parse().unwrap(), number)).unwrap();
        println!("recorded {number}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn no_event_acknowledged_to_a_killed_recorder_is_lost() {
    let database = database();
    let mut conn = connect(&database);
    insert_deliveries(&mut conn);
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
        let mut acknowledged = 0;
        let mut line = String::new();
        while acknowledged <= random_below(4, round) as usize {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended by itself");
            acknowledged += usize::from(line.contains("recorded "));
        }
        wait_for_microseconds(random_below(4_000, round));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        acknowledged += rest.matches("recorded ").count();

        for number in 0..acknowledged {
            let again = ledger::record(&mut conn, batch(round, number)).unwrap();
            assert!(
                again.iter().all(|appended| appended.is_replay()),
                "round {round}: batch {number} was acknowledged and is missing"
            );
        }
        // The server may still be executing the next batch: it records all of it or nothing.
        let again = ledger::record(&mut conn, batch(round, acknowledged)).unwrap();
        let replays = again.iter().filter(|appended| appended.is_replay()).count();
        assert!(
            replays == 0 || replays == BATCH,
            "round {round}: {replays} of {BATCH} events of a batch are replays"
        );
        seen.insert(replays);
        batches += acknowledged + 1;
    }
    assert_recorded(&mut conn, batches);
    assert!(
        seen.contains(&0),
        "no recorder was killed before the server executed its batch"
    );
}

#[test]
fn no_event_acknowledged_by_a_killed_server_is_lost() {
    let server = Server::start_with(&DURABLE).unwrap();
    let database = server.database().unwrap();
    let mut conn = connect(&database);
    mailglass::migrations::run(&mut conn).unwrap();
    insert_deliveries(&mut conn);

    const RECORDERS: usize = 3;
    let acknowledged = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for recorder in 0..RECORDERS {
            let (database, acknowledged, failures, is_over) = (&database, &acknowledged, &failures, &is_over);
            scope.spawn(move || {
                let mut conn = PgConnection::establish(database.url()).ok();
                let mut number = 0;
                while !is_over.load(Ordering::SeqCst) {
                    // Like any client, it reconnects and repeats the call that was not acknowledged.
                    let recorded = match &mut conn {
                        Some(conn) => ledger::record(conn, batch(recorder, number)).is_ok(),
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
                // The last batch may have been recorded without being acknowledged.
                let mut conn = connect(database);
                ledger::record(&mut conn, batch(recorder, number)).unwrap();
                acknowledged.fetch_add(1, Ordering::SeqCst);
            });
        }
        for round in 0..ROUNDS {
            let before = acknowledged.load(Ordering::SeqCst);
            while acknowledged.load(Ordering::SeqCst) <= before + random_below(5, round) as usize {
                thread::yield_now();
            }
            wait_for_microseconds(random_below(3_000, round));
            server.crash().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let mut conn = connect(&database);
    assert_recorded(&mut conn, acknowledged.into_inner());
    assert!(
        failures.into_inner() >= ROUNDS,
        "every crash makes a call of some recorder fail"
    );
}
