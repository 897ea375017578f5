//! A range is final once its checkpoint is made: transactions that could still commit into it have ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use mailglass::ledger::{self, CheckpointOptions, Checkpointed, OpenTransaction};
use mailglass::{EventType, NewEvent};
use scratch_postgres::Server;
use uuid::Uuid;

use super::{seal, server_time, undone, until, verify};
use crate::support::{TENANT, connect, connected, database, event, record_one};

fn pid(conn: &mut PgConnection) -> i32 {
    diesel::select(sql::<Integer>("pg_backend_pid()"))
        .get_result(conn)
        .unwrap()
}

/// Gives up on a transaction that stays open.
fn impatient(until: chrono::DateTime<chrono::Utc>) -> CheckpointOptions {
    CheckpointOptions {
        patience: Duration::from_secs(1),
        ..self::until(until)
    }
}

#[test]
fn a_transaction_that_began_before_the_end_is_waited_for_and_its_events_are_covered() {
    let (database, mut conn) = connected();
    let mut late = connect(&database);
    let process = pid(&mut late);
    late.batch_execute("BEGIN").unwrap();
    record_one(&mut late, event(EventType::Opened, 1));
    let end = server_time(&mut conn);

    let waiting = ledger::checkpoint(&mut conn, TENANT, None, &impatient(end)).unwrap();
    let expected = Checkpointed::Waiting {
        until: end,
        open: vec![OpenTransaction::Process(process)],
    };
    assert_eq!(waiting, expected);
    assert!(waiting.into_checkpoint().is_err_and(|error| error.is_invalid()));

    let chain = thread::scope(|scope| {
        let made = scope.spawn(|| ledger::checkpoint(&mut conn, TENANT, None, &until(end)).unwrap());
        late.batch_execute("COMMIT").unwrap();
        [made.join().unwrap().into_checkpoint().unwrap()]
    });
    assert_eq!(chain[0].events(), 1);
    assert!(verify(&mut late, &chain).is_ok());
}

/// They hold virtual transaction ids as well, and neither delays a checkpoint.
#[test]
fn later_transactions_and_those_of_other_databases_are_not_waited_for() {
    let (database, mut conn) = connected();
    let (_other_database, mut other) = connected();
    other.batch_execute("BEGIN; SELECT 1").unwrap();
    let end = server_time(&mut conn);
    let mut later = connect(&database);
    later.batch_execute("BEGIN").unwrap();
    record_one(&mut later, event(EventType::Opened, 1));
    let made = ledger::checkpoint(&mut conn, TENANT, None, &until(end)).unwrap();
    assert_eq!(made.into_checkpoint().unwrap().events(), 0);
}

/// Its start is hidden from other roles.
#[test]
fn a_role_that_does_not_see_when_a_transaction_began_waits_for_it() {
    let (database, mut conn) = connected();
    let mut later = connect(&database);
    let process = pid(&mut later);
    // Roles are shared by all databases of the server, so this one is never committed.
    undone(&mut conn, |conn| {
        let role = format!("checkpointer_{}", Uuid::now_v7().simple());
        conn.batch_execute(&format!(
            "CREATE ROLE {role}; GRANT SELECT ON mailglass_events TO {role}; SET LOCAL ROLE {role}"
        ))
        .unwrap();
        let end = server_time(conn);
        later.batch_execute("BEGIN; SELECT 1").unwrap();
        let waiting = ledger::checkpoint(conn, TENANT, None, &impatient(end)).unwrap();
        assert!(matches!(waiting, Checkpointed::Waiting { open, .. } if open == [OpenTransaction::Process(process)]));
        later.batch_execute("COMMIT").unwrap();
        let made = ledger::checkpoint(conn, TENANT, None, &until(end)).unwrap();
        assert!(matches!(made, Checkpointed::Made(_)));
    });
}

#[test]
fn a_prepared_transaction_is_waited_for() {
    let server = Server::start_with(&[("max_prepared_transactions", "2")]).unwrap();
    let database = server.database().unwrap();
    let mut conn = PgConnection::establish(database.url()).unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    let mut late = PgConnection::establish(database.url()).unwrap();
    late.batch_execute("BEGIN").unwrap();
    record_one(&mut late, event(EventType::Opened, 1));
    let end = server_time(&mut conn);
    late.batch_execute("PREPARE TRANSACTION 'transfer'").unwrap();

    let waiting = ledger::checkpoint(&mut conn, TENANT, None, &impatient(end)).unwrap();
    let open = vec![OpenTransaction::Prepared("transfer".to_owned())];
    assert_eq!(waiting, Checkpointed::Waiting { until: end, open });
    late.batch_execute("COMMIT PREPARED 'transfer'").unwrap();
    assert_eq!(seal(&mut conn, None).events(), 1);
}

/// Transactions of different lengths record, while checkpoints are made one after the other.
#[test]
fn every_event_is_in_exactly_one_checkpoint_while_others_record() {
    let database = database();
    let is_done = AtomicBool::new(false);
    let chain = thread::scope(|scope| {
        for worker in 0..3_u32 {
            let (database, is_done) = (&database, &is_done);
            scope.spawn(move || {
                let mut conn = connect(database);
                let mut number = 0;
                while !is_done.load(Ordering::Relaxed) {
                    conn.transaction::<_, mailglass::Error, _>(|conn| {
                        for _ in 0..=number % 20 * worker {
                            let opened = NewEvent::new(TENANT, EventType::Opened, chrono::Utc::now());
                            ledger::append(conn, &[opened])?;
                        }
                        // Longer than the distance of a checkpoint's end from the present.
                        if worker == 2 {
                            conn.batch_execute("SELECT pg_sleep(0.7)")?;
                        }
                        Ok(())
                    })
                    .unwrap();
                    number += 1;
                }
            });
        }
        let mut conn = connect(&database);
        let mut chain = Vec::new();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            // A process may be suspended between receiving a statement, which is its start, and holding a virtual id.
            let end = server_time(&mut conn) - TimeDelta::milliseconds(500);
            let made = ledger::checkpoint(&mut conn, TENANT, chain.last(), &until(end)).unwrap();
            chain.push(made.into_checkpoint().unwrap());
        }
        is_done.store(true, Ordering::Relaxed);
        chain
    });
    let mut conn = connect(&database);
    let last = seal(&mut conn, chain.last());
    let chain = [chain.as_slice(), &[last]].concat();
    let report = verify(&mut conn, &chain);
    assert_eq!(report.differences, []);
    let all = mailglass::schema::mailglass_events::table
        .count()
        .get_result::<i64>(&mut conn);
    assert_eq!(i64::try_from(report.events), Ok(all.unwrap()));
}
