//! Migrations listed, taken back and redone: ours only, and never a table with rows unless somebody says so.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel_migrations::MigrationHarness;
use mailglass::migrations::{DataLoss, FILES, MIGRATIONS, list, redo, revert_to, run};
use mailglass::{Error, EventType, ledger};

use crate::migrations::dump;
use crate::support::{at, at_once, backend_pid, connect, delivery, event, server, to, wait_until_blocked};

/// A migration of the application's, newer than all of ours.
const HOSTS: &str = "29990101000000";

fn record_a_migration_of_the_hosts(conn: &mut PgConnection) {
    let record = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{HOSTS}')");
    sql_query(record).execute(conn).unwrap();
}

fn applied(conn: &mut PgConnection) -> Vec<&'static str> {
    let listed = list(conn).unwrap();
    listed.iter().filter(|it| it.is_applied).map(|it| it.version).collect()
}

fn hosts_is_applied(conn: &mut PgConnection) -> bool {
    let versions = conn.applied_migrations().unwrap();
    versions.iter().any(|it| it.to_string() == HOSTS)
}

#[test]
fn the_files_are_the_migrations() {
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
fn a_list_says_what_is_applied_and_makes_nothing() {
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
fn a_revert_takes_ours_down_to_a_version_and_leaves_the_hosts() {
    let (_database, mut conn) = crate::support::connected();
    let conn = &mut conn;
    record_a_migration_of_the_hosts(conn);
    let reverted = revert_to(conn, Some(FILES[2].version), DataLoss::Refuse).unwrap();
    let newer: Vec<_> = FILES[3..].iter().rev().map(|it| it.version).collect();
    assert_eq!(reverted, newer, "newest first");
    assert_eq!(applied(conn), [FILES[0].version, FILES[1].version, FILES[2].version]);
    assert!(
        revert_to(conn, Some(FILES[2].version), DataLoss::Refuse)
            .unwrap()
            .is_empty()
    );

    assert_eq!(revert_to(conn, None, DataLoss::Refuse).unwrap().len(), 3);
    assert_eq!(applied(conn), [""; 0]);
    assert!(hosts_is_applied(conn));
    assert_eq!(run(conn).unwrap().len(), FILES.len());
}

#[test]
fn the_last_of_ours_is_redone_though_the_hosts_came_later() {
    let (database, mut conn) = crate::support::connected();
    let conn = &mut conn;
    record_a_migration_of_the_hosts(conn);
    delivery(conn);
    let before = dump(&database);
    assert_eq!(
        redo(conn, DataLoss::Refuse).unwrap().as_deref(),
        Some(FILES[FILES.len() - 1].version)
    );
    assert_eq!(dump(&database), before);
    assert!(hosts_is_applied(conn));
    revert_to(conn, None, DataLoss::Accept).unwrap();
    assert_eq!(redo(conn, DataLoss::Refuse).unwrap(), None);
}

#[test]
fn rows_are_only_lost_by_somebody_who_says_so() {
    let (database, mut conn) = crate::support::connected();
    let conn = &mut conn;
    delivery(conn);
    let before = dump(&database);
    let refused = revert_to(conn, None, DataLoss::Refuse).unwrap_err();
    assert!(refused.is_would_lose_data());
    let Error::WouldLoseData(lost) = &refused else {
        panic!("{refused:?}")
    };
    let lost: Vec<_> = lost.iter().map(|it| (it.table, it.count)).collect();
    assert_eq!(lost, [("mailglass_deliveries", 1), ("mailglass_events", 1)]);
    assert_eq!(
        refused.to_string(),
        "reverting would lose 1 row of mailglass_deliveries, 1 row of mailglass_events"
    );
    assert_eq!(dump(&database), before, "nothing was changed");
    assert_eq!(applied(conn).len(), FILES.len());

    // The queue is empty, so it may go; what else there is stays.
    assert_eq!(
        revert_to(conn, Some(FILES[3].version), DataLoss::Refuse).unwrap().len(),
        1
    );
    let redone = redo(conn, DataLoss::Refuse).unwrap();
    assert_eq!(redone.as_deref(), Some(FILES[3].version), "the guard goes and is back");
    revert_to(conn, Some(FILES[2].version), DataLoss::Accept).unwrap();
    let redone = redo(conn, DataLoss::Refuse).unwrap_err();
    assert!(redone.is_would_lose_data(), "redoing create_events empties the ledger");
    assert_eq!(crate::support::count_events(conn), 1);
    assert_eq!(revert_to(conn, None, DataLoss::Accept).unwrap().len(), 3);
}

#[test]
fn a_ledger_with_rows_only_loses_its_guard_if_somebody_says_so() {
    let (database, mut conn) = crate::support::connected();
    let conn = &mut conn;
    delivery(conn);
    let before = dump(&database);
    let refused = revert_to(conn, Some(FILES[2].version), DataLoss::Refuse).unwrap_err();
    assert!(refused.is_would_unguard_ledger(), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "reverting would leave 1 row of mailglass_events without the guard that keeps it from being changed"
    );
    assert_eq!(dump(&database), before, "nothing was changed");
    let reverted = revert_to(conn, Some(FILES[2].version), DataLoss::Accept).unwrap();
    assert_eq!(reverted.len(), FILES.len() - 3);
    // There is no guard now that could be lost.
    let unguarded = FILES[2].version;
    assert!(revert_to(conn, Some(unguarded), DataLoss::Refuse).unwrap().is_empty());

    let (_database, mut empty) = crate::support::connected();
    revert_to(&mut empty, Some(FILES[2].version), DataLoss::Refuse).unwrap();
}

/// An old snapshot doesn't show the rows that others inserted, so they can't be counted.
#[test]
fn a_revert_in_a_transaction_with_an_old_snapshot_is_refused() {
    let (_database, mut conn) = crate::support::connected();
    let refused = conn
        .build_transaction()
        .repeatable_read()
        .run(|conn| revert_to(conn, None, DataLoss::Refuse))
        .unwrap_err();
    assert!(refused.is_migration());
    assert!(refused.to_string().contains("READ COMMITTED"), "{refused}");
    let reverted = conn.transaction(|conn| revert_to(conn, None, DataLoss::Refuse));
    assert_eq!(reverted.unwrap().len(), FILES.len());
}

/// Says that the redoing is over, also where it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn redoing_beside_workers_fails_nobody() {
    const RECORDERS: usize = 2;
    const SWEEPERS: usize = 1;
    const APPLICATIONS: usize = 2;
    const TIMES: usize = 20;
    let database = crate::support::database();
    let is_over = AtomicBool::new(false);
    let calls = at_once(&database, RECORDERS + SWEEPERS + APPLICATIONS + 1, |worker, conn| {
        if worker == RECORDERS + SWEEPERS + APPLICATIONS {
            let _over = Over(&is_over);
            for time in 0..TIMES {
                // The workers go on in between.
                sql_query("SELECT pg_sleep(0.05)").execute(conn).unwrap();
                let data_loss = [DataLoss::Accept, DataLoss::Refuse][time % 2];
                if let Err(error) = redo(conn, data_loss) {
                    assert!(data_loss == DataLoss::Refuse && error.is_would_lose_data(), "{error:?}");
                }
            }
            return TIMES;
        }
        let mut calls = 0;
        while !is_over.load(Ordering::Relaxed) {
            let message = format!("{worker}:{calls}");
            if worker < RECORDERS {
                let events = [EventType::Sent, EventType::Delivered]
                    .map(|event_type| event(event_type, 5).provider_message("ses", format!("{}:{calls}", worker + 3)));
                ledger::record(conn, &events).unwrap();
            } else if worker < RECORDERS + SWEEPERS {
                crate::support::sweep_now(conn);
            } else {
                let enqueued = to("ann@example.com").insert(conn).unwrap().into_delivery();
                enqueued.mark_dispatched(conn, "ses", message, at(1)).unwrap();
            }
            calls += 1;
        }
        calls
    });
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
    assert_eq!(applied(&mut connect(&database)).len(), FILES.len());
}

#[test]
fn tables_that_are_in_use_for_too_long_are_named_and_nothing_is_changed() {
    let (database, mut conn) = crate::support::connected();
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
    let (_database, mut conn) = crate::support::connected();
    record_a_migration_of_the_hosts(&mut conn);
    let refused = revert_to(&mut conn, Some(HOSTS), DataLoss::Accept).unwrap_err();
    assert_eq!(crate::support::wrong_fields(&refused), ["version"]);
    assert_eq!(applied(&mut conn).len(), FILES.len());
}

#[test]
fn a_revert_that_fails_half_way_leaves_everything_applied() {
    let (database, mut conn) = crate::support::connected();
    let conn = &mut conn;
    // The host's, so the revert of create_events, in the middle, fails.
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
        "the lock is free"
    );
}

#[test]
fn a_recorder_and_a_revert_at_the_same_moment_lose_nothing_unsaid() {
    let (database, mut recorder) = crate::support::connected();
    let mut reverter = connect(&database);
    // Where a snapshot would not show what was committed while it waited.
    sql_query("SET default_transaction_isolation = 'repeatable read'")
        .execute(&mut reverter)
        .unwrap();
    let pid = backend_pid(&mut reverter);
    recorder.begin_test_transaction().unwrap();
    let one = delivery(&mut recorder);
    std::thread::scope(|scope| {
        let reverting = scope.spawn(|| revert_to(&mut reverter, None, DataLoss::Refuse));
        wait_until_blocked(&mut connect(&database), pid);
        // A test transaction has no commit of Diesel's.
        sql_query("COMMIT").execute(&mut recorder).unwrap();
        assert!(reverting.join().unwrap().unwrap_err().is_would_lose_data());
    });
    assert_eq!(one.timeline(&mut connect(&database)).unwrap().len(), 1);
}
