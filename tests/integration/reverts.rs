//! Listing, reverting and redoing migrations: ours only, and no table with rows unless the caller accepts the loss.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel_migrations::MigrationHarness;
use mailglass::migrations::{DataLoss, FILES, MIGRATIONS, list, redo, revert_to, run};
use mailglass::retention::CutOptions;
use mailglass::{Error, EventType, ledger, retention};

use crate::migrations::dump;
use crate::support::{
    at, at_once, backend_pid, connect, connected, count_events, database, delivery, event, insert, server, sweep_now,
    to, wait_until_blocked, wrong_fields,
};

/// A migration of the application, newer than all of ours.
const APPLICATIONS: &str = "29990101000000";

fn record_the_applications_migration(conn: &mut PgConnection) {
    let record = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{APPLICATIONS}')");
    sql_query(record).execute(conn).unwrap();
}

fn applied(conn: &mut PgConnection) -> Vec<&'static str> {
    let listed = list(conn).unwrap();
    let applied = listed.iter().filter(|migration| migration.is_applied);
    applied.map(|migration| migration.version).collect()
}

fn the_applications_is_applied(conn: &mut PgConnection) -> bool {
    let versions = conn.applied_migrations().unwrap();
    versions.iter().any(|version| version.to_string() == APPLICATIONS)
}

#[test]
fn files_are_the_embedded_migrations() {
    let embedded = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
    assert_eq!(embedded.len(), FILES.len());
    for (migration, files) in embedded.iter().zip(FILES) {
        let folder = migration.name().to_string();
        assert_eq!(migration.name().version().to_string(), files.version);
        assert!(folder.ends_with(&format!("_{}", files.name)), "{folder}");
        let read = |file| std::fs::read_to_string(format!("migrations/{folder}/{file}")).unwrap();
        assert_eq!(
            (read("up.sql").as_str(), read("down.sql").as_str()),
            (files.up_sql, files.down_sql)
        );
    }
}

#[test]
fn list_reports_applied_migrations_and_creates_nothing() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    assert_eq!(applied(&mut conn), [""; 0]);
    let tables = sql_query("SELECT 1 FROM pg_class WHERE relname = '__diesel_schema_migrations'");
    assert_eq!(tables.execute(&mut conn).unwrap(), 0);
    conn.run_next_migration(MIGRATIONS).unwrap();
    assert_eq!(applied(&mut conn), [FILES[0].version]);
    run(&mut conn).unwrap();
    assert_eq!(applied(&mut conn).len(), FILES.len());
}

#[test]
fn a_revert_keeps_the_given_version_and_the_applications_migrations() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    record_the_applications_migration(conn);
    let reverted = revert_to(conn, Some(FILES[2].version), DataLoss::Reject).unwrap();
    let newer: Vec<_> = FILES[3..].iter().rev().map(|file| file.version).collect();
    assert_eq!(reverted, newer, "newest first");
    assert_eq!(applied(conn), [FILES[0].version, FILES[1].version, FILES[2].version]);
    assert!(
        revert_to(conn, Some(FILES[2].version), DataLoss::Reject)
            .unwrap()
            .is_empty()
    );

    assert_eq!(revert_to(conn, None, DataLoss::Reject).unwrap().len(), 3);
    assert_eq!(applied(conn), [""; 0]);
    assert!(the_applications_is_applied(conn));
    assert_eq!(run(conn).unwrap().len(), FILES.len());
}

#[test]
fn redo_redoes_our_last_migration_even_if_the_applications_is_newer() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    record_the_applications_migration(conn);
    delivery(conn);
    let before = dump(&database);
    assert_eq!(
        redo(conn, DataLoss::Reject).unwrap().as_deref(),
        Some(FILES[FILES.len() - 1].version)
    );
    assert_eq!(dump(&database), before);
    assert!(the_applications_is_applied(conn));
    revert_to(conn, None, DataLoss::Accept).unwrap();
    assert_eq!(redo(conn, DataLoss::Reject).unwrap(), None);
}

#[test]
fn rows_are_lost_only_if_the_caller_accepts_it() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    delivery(conn);
    let before = dump(&database);
    let refused = revert_to(conn, None, DataLoss::Reject).unwrap_err();
    assert!(refused.is_would_lose_data());
    let Error::WouldLoseData(lost) = &refused else {
        panic!("{refused:?}")
    };
    let lost: Vec<_> = lost.iter().map(|rows| (rows.table, rows.count)).collect();
    assert_eq!(lost, [("mailglass_deliveries", 1), ("mailglass_events", 1)]);
    assert_eq!(
        refused.to_string(),
        "reverting would lose 1 row of mailglass_deliveries, 1 row of mailglass_events"
    );
    assert_eq!(dump(&database), before, "nothing was changed");
    assert_eq!(applied(conn).len(), FILES.len());

    // The tables of links, details, erasures, the outbox and suppressions are empty, so they may be dropped. The others remain.
    assert_eq!(
        revert_to(conn, Some(FILES[3].version), DataLoss::Reject).unwrap().len(),
        5
    );
    let redone = redo(conn, DataLoss::Reject).unwrap();
    assert_eq!(
        redone.as_deref(),
        Some(FILES[3].version),
        "the guard is dropped and created again"
    );
    revert_to(conn, Some(FILES[2].version), DataLoss::Accept).unwrap();
    let redone = redo(conn, DataLoss::Reject).unwrap_err();
    assert!(redone.is_would_lose_data(), "redoing create_events empties the ledger");
    assert_eq!(count_events(conn), 1);
    assert_eq!(revert_to(conn, None, DataLoss::Accept).unwrap().len(), 3);
}

#[test]
fn an_old_ledger_loses_its_guard_only_if_the_caller_accepts_it() {
    let (_database, mut conn) = connected();
    delivery(&mut conn);
    let kept = retention::cut(&mut conn, &CutOptions::before(at(1))).unwrap();
    assert_eq!((kept.events_kept, kept.events_left), (0, 1));
    let refused = revert_to(&mut conn, Some(FILES[2].version), DataLoss::Reject).unwrap_err();
    assert!(matches!(refused, Error::WouldUnguardLedger { rows: 1 }));
    revert_to(&mut conn, Some(FILES[3].version), DataLoss::Reject).unwrap();
    revert_to(&mut conn, Some(FILES[2].version), DataLoss::Accept).unwrap();
}

#[test]
fn a_ledger_with_rows_loses_its_guard_only_if_the_caller_accepts_it() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    delivery(conn);
    let before = dump(&database);
    let refused = revert_to(conn, Some(FILES[2].version), DataLoss::Reject).unwrap_err();
    assert!(refused.is_would_unguard_ledger(), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "reverting would remove the guard of 1 row of mailglass_events"
    );
    assert_eq!(dump(&database), before, "nothing was changed");
    let reverted = revert_to(conn, Some(FILES[2].version), DataLoss::Accept).unwrap();
    assert_eq!(reverted.len(), FILES.len() - 3);
    // Without a guard, a further revert has nothing to refuse.
    let unguarded = FILES[2].version;
    assert!(revert_to(conn, Some(unguarded), DataLoss::Reject).unwrap().is_empty());

    let (_database, mut empty) = connected();
    revert_to(&mut empty, Some(FILES[2].version), DataLoss::Reject).unwrap();
}

/// An old snapshot doesn't show the rows that others inserted, so the revert can't count them.
#[test]
fn a_revert_in_a_repeatable_read_transaction_is_refused() {
    let (_database, mut conn) = connected();
    let refused = conn
        .build_transaction()
        .repeatable_read()
        .run(|conn| revert_to(conn, None, DataLoss::Reject))
        .unwrap_err();
    assert!(refused.is_migration());
    assert!(refused.to_string().contains("READ COMMITTED"), "{refused}");
    let reverted = conn.transaction(|conn| revert_to(conn, None, DataLoss::Reject));
    assert_eq!(reverted.unwrap().len(), FILES.len());
}

/// Stops the workers when the redoing thread returns or panics.
struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_concurrent_redo_fails_no_call() {
    const RECORDERS: usize = 2;
    const SWEEPERS: usize = 1;
    const SENDERS: usize = 2;
    const REDOS: usize = 20;
    let database = database();
    let is_over = AtomicBool::new(false);
    let calls = at_once(&database, RECORDERS + SWEEPERS + SENDERS + 1, |worker, conn| {
        if worker == RECORDERS + SWEEPERS + SENDERS {
            let _over = OverOnDrop(&is_over);
            for time in 0..REDOS {
                // Let the workers make calls in between.
                sql_query("SELECT pg_sleep(0.05)").execute(conn).unwrap();
                let data_loss = [DataLoss::Accept, DataLoss::Reject][time % 2];
                if let Err(error) = redo(conn, data_loss) {
                    assert!(data_loss == DataLoss::Reject && error.is_would_lose_data(), "{error:?}");
                }
            }
            return REDOS;
        }
        let mut calls = 0;
        while !is_over.load(Ordering::Relaxed) {
            let message = format!("{worker}:{calls}");
            if worker < RECORDERS {
                let events = [EventType::Sent, EventType::Delivered]
                    .map(|event_type| event(event_type, 5).provider_message("ses", format!("{}:{calls}", worker + 3)));
                ledger::record(conn, &events).unwrap();
            } else if worker < RECORDERS + SWEEPERS {
                sweep_now(conn);
            } else {
                let inserted = insert(conn, &to("ann@example.com"));
                inserted.mark_dispatched(conn, "ses", message, at(1)).unwrap();
            }
            calls += 1;
        }
        calls
    });
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
    assert_eq!(applied(&mut connect(&database)).len(), FILES.len());
}

#[test]
fn a_redo_fails_without_changes_if_the_tables_stay_in_use() {
    let (database, mut conn) = connected();
    let mut other = connect(&database);
    other.begin_test_transaction().unwrap();
    delivery(&mut other);
    sql_query("SET lock_timeout = '1s'").execute(&mut conn).unwrap();
    let refused = redo(&mut conn, DataLoss::Accept).unwrap_err();
    assert!(refused.is_migration());
    assert!(refused.to_string().contains("in use"), "{refused}");
    drop(other);
    redo(&mut conn, DataLoss::Accept).unwrap();
}

#[test]
fn a_version_that_is_not_ours_is_refused() {
    let (_database, mut conn) = connected();
    record_the_applications_migration(&mut conn);
    let refused = revert_to(&mut conn, Some(APPLICATIONS), DataLoss::Accept).unwrap_err();
    assert_eq!(wrong_fields(&refused), ["version"]);
    assert_eq!(applied(&mut conn).len(), FILES.len());
}

#[test]
fn a_revert_that_fails_leaves_everything_applied() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    // A view of the application makes the revert of create_events fail, which is not the first one.
    sql_query("CREATE VIEW recent AS SELECT id FROM mailglass_events")
        .execute(conn)
        .unwrap();
    let before = dump(&database);
    assert!(revert_to(conn, None, DataLoss::Accept).unwrap_err().is_migration());
    assert_eq!(dump(&database), before);
    assert_eq!(applied(conn).len(), FILES.len());
    sql_query("DROP VIEW recent").execute(conn).unwrap();
    let other = &mut connect(&database);
    assert_eq!(
        revert_to(other, None, DataLoss::Accept).unwrap().len(),
        FILES.len(),
        "the lock is released"
    );
}

#[test]
fn a_revert_counts_the_rows_of_a_concurrent_insert() {
    let (database, mut recorder) = connected();
    let mut reverter = connect(&database);
    // A snapshot taken before the wait would not show the inserted row.
    sql_query("SET default_transaction_isolation = 'repeatable read'")
        .execute(&mut reverter)
        .unwrap();
    let pid = backend_pid(&mut reverter);
    recorder.begin_test_transaction().unwrap();
    let delivery = delivery(&mut recorder);
    std::thread::scope(|scope| {
        let reverting = scope.spawn(|| revert_to(&mut reverter, None, DataLoss::Reject));
        wait_until_blocked(&mut connect(&database), pid);
        // Diesel can't commit a test transaction.
        sql_query("COMMIT").execute(&mut recorder).unwrap();
        assert!(reverting.join().unwrap().unwrap_err().is_would_lose_data());
    });
    assert_eq!(delivery.timeline(&mut connect(&database)).unwrap().len(), 1);
}
