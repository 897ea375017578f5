//! A cut while others record: every event is kept, and a delivery that gets one stays with everything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use chrono::Utc;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::retention::{self, CutOptions, CutReport};
use mailglass::{Delivery, Error, EventType, NewDelivery, NewEvent, Stream, ledger};
use uuid::Uuid;

use super::history::{assert_cut, before, count, insert_history, options, remember_links, rows};
use crate::support::{TENANT, at_once, backend_pid, connect, connected, sweep_now, wait_until_blocked};

fn event() -> NewEvent {
    NewEvent::new(TENANT, EventType::Opened, Utc::now())
}

/// The first delivery of a history is old.
fn old_delivery() -> Uuid {
    Uuid::from_u128(1)
}

/// Whether a delivery exists with this many events.
fn is_whole(conn: &mut PgConnection, delivery: Uuid, events: usize) -> bool {
    Delivery::find(conn, TENANT, delivery).is_ok_and(|found| found.timeline(conn).unwrap().len() == events)
}

fn resume_on(url: &(impl crate::support::database::Address + ?Sized)) -> CutReport {
    retention::resume(&mut connect(url)).unwrap()
}

/// Records events of old, young and new deliveries in every way, until it is told to stop. Returns the ids of acknowledged events.
fn record_everything(recorder: usize, conn: &mut PgConnection, is_over: &AtomicBool) -> Vec<Uuid> {
    let mut acknowledged = Vec::new();
    for number in 0_u64.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(recorder as u64) >> 33;
        let some = Uuid::from_u128(u128::from(1 + random % 300));
        let key = format!("recorder {recorder}:{number}");
        let message = format!("new:{recorder}:{}", number / 4);
        let events = match number % 4 {
            // Not often, or every old delivery would stay.
            0 if number % 32 == 0 => ledger::record(conn, &[event().delivery(some).idempotency_key(key)]),
            1 if number % 32 == 1 => ledger::append(conn, &[event().delivery(some).idempotency_key(key)]),
            2 => ledger::record(
                conn,
                &[event().provider_message("ses", &message).idempotency_key(key), event()],
            ),
            3 => {
                NewDelivery::new(TENANT, "welcome", Stream::Bulk, "new@example.com")
                    .provider("ses")
                    .provider_message_id(message)
                    .insert(conn)
                    .unwrap();
                sweep_now(conn);
                continue;
            }
            _ => continue,
        };
        acknowledged.extend(events.unwrap().into_iter().map(|appended| appended.event().id));
    }
    acknowledged
}

#[test]
fn nothing_that_is_recorded_during_a_cut_is_lost_and_every_delivery_is_whole_or_gone() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 300);
    remember_links(&mut conn);
    let is_over = AtomicBool::new(false);
    let (report, acknowledged) = thread::scope(|scope| {
        let recorders = scope.spawn(|| {
            at_once(&database, 2, |recorder, conn| {
                record_everything(recorder, conn, &is_over)
            })
        });
        let small = CutOptions { batch: 25, ..options() };
        retention::begin(&mut conn, &small).unwrap();
        let mut report = None;
        while report.is_none() {
            // Each step by a process of its own, as after a crash.
            if let retention::Step::Finished(finished) = retention::step(&mut connect(&database)).unwrap() {
                report = Some(finished);
            }
        }
        is_over.store(true, Ordering::Relaxed);
        (report.unwrap(), recorders.join().unwrap().concat())
    });
    let conn = &mut conn;
    let kept = report.kept_as.unwrap();
    assert!(report.deliveries_left > 0 && acknowledged.len() > 10);
    for id in &acknowledged {
        assert_eq!(
            count(conn, &format!("SELECT FROM mailglass_events WHERE id = '{id}'")),
            1,
            "an event is lost"
        );
    }
    // What was appended is projected by a rebuild, as always.
    mailglass::projection::repair(conn, TENANT).unwrap();
    conn.batch_execute("INSERT INTO all_links SELECT event_id, delivery_id FROM mailglass_event_links")
        .unwrap();
    assert_cut(conn, &kept, before());
}

#[test]
fn a_transaction_that_wrote_before_the_cut_is_waited_for() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 2);
    remember_links(&mut conn);
    let (ready, is_ready) = mpsc::channel();
    let mut cutter = connect(&database);
    let pid = backend_pid(&mut cutter);
    let report = thread::scope(|scope| {
        let mut writer = connect(&database);
        writer
            .transaction::<_, Error, _>(|writer| {
                ledger::append(writer, &[event().delivery(old_delivery())])?;
                let cut = scope.spawn(move || {
                    is_ready.recv().unwrap();
                    retention::cut(&mut cutter, &options()).unwrap()
                });
                ready.send(()).unwrap();
                wait_until_blocked(&mut conn, pid);
                assert_eq!(retention::status(&mut conn).unwrap(), None);
                Ok(cut)
            })
            .unwrap()
            .join()
            .unwrap()
    });
    assert_eq!(report.deliveries_left, 0);
    assert!(is_whole(&mut conn, old_delivery(), 4));
}

/// `inserted_at` is the start of the transaction, before the cut; the event is appended after the copy.
#[test]
fn a_transaction_that_is_open_across_the_whole_cut_keeps_its_delivery() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 2);
    remember_links(&mut conn);
    let report = thread::scope(|scope| {
        let mut writer = connect(&database);
        writer
            .transaction::<_, Error, _>(|writer| {
                diesel::sql_query("SELECT now()").execute(writer)?;
                retention::begin(&mut conn, &options()).unwrap();
                while retention::status(&mut conn).unwrap().unwrap().phase < retention::Phase::Swap {
                    retention::step(&mut conn).unwrap();
                }
                ledger::append(writer, &[event().delivery(old_delivery())])?;
                let mut cutter = connect(&database);
                let pid = backend_pid(&mut cutter);
                let cut = scope.spawn(move || retention::resume(&mut cutter).unwrap());
                wait_until_blocked(&mut conn, pid);
                Ok(cut)
            })
            .unwrap()
            .join()
            .unwrap()
    });
    assert_eq!((report.deliveries_left, report.events_left), (0, 0));
    assert!(is_whole(&mut conn, old_delivery(), 4));
    mailglass::projection::repair(&mut conn, TENANT).unwrap();
    assert_eq!(rows(&mut conn, "mailglass_events").len(), 7);
}

#[test]
fn a_link_that_is_completed_during_the_cut_keeps_its_delivery() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 2);
    ledger::record(conn, &[event().provider_message("ses", "late")]).unwrap();
    retention::begin(conn, &options()).unwrap();
    while retention::status(conn).unwrap().unwrap().phase < retention::Phase::Swap {
        retention::step(conn).unwrap();
    }
    conn.batch_execute(&format!(
        "UPDATE mailglass_deliveries SET provider = 'ses', provider_message_id = 'late' WHERE id = '{}'",
        old_delivery()
    ))
    .unwrap();
    assert_eq!(sweep_now(conn).linked, 1);
    remember_links(conn);
    let report = resume_on(&database);
    assert_eq!(report.deliveries_left, 0);
    assert!(is_whole(conn, old_delivery(), 4));
    assert_cut(conn, &report.kept_as.unwrap(), before());
}

/// A trigger that stops the swap when it deletes a delivery, until the advisory lock is released.
const STOP: &str = "
    CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN OLD; END';
    CREATE TRIGGER stop BEFORE DELETE ON mailglass_deliveries FOR EACH ROW EXECUTE FUNCTION stop()";

/// Prepares a cut up to the swap, starts it, and makes `meanwhile` happen after its deliveries are deleted and before it has the lock.
fn while_deliveries_are_deleted<T: Send>(
    meanwhile: impl FnOnce(&mut PgConnection, &mut PgConnection) -> T + Send,
) -> (CutReport, T, crate::support::Database, PgConnection) {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 2);
    remember_links(&mut conn);
    conn.batch_execute(STOP).unwrap();
    retention::begin(&mut conn, &options()).unwrap();
    while retention::status(&mut conn).unwrap().unwrap().phase < retention::Phase::Swap {
        retention::step(&mut conn).unwrap();
    }
    conn.batch_execute("SELECT pg_advisory_lock(1)").unwrap();
    let (report, happened) = thread::scope(|scope| {
        let mut cutter = connect(&database);
        let pid = backend_pid(&mut cutter);
        let cut = scope.spawn(move || retention::resume(&mut cutter).unwrap());
        wait_until_blocked(&mut conn, pid);
        let mut other = connect(&database);
        let happened = meanwhile(&mut conn, &mut other);
        (cut.join().unwrap(), happened)
    });
    conn.batch_execute("DROP TRIGGER stop ON mailglass_deliveries").unwrap();
    (report, happened, database, conn)
}

#[test]
fn an_append_that_does_not_wait_for_the_deleted_delivery_brings_it_back() {
    let (report, (), _database, mut conn) = while_deliveries_are_deleted(|conn, other| {
        // It locks no delivery, so it finds the one that is being deleted.
        ledger::append(other, &[event().delivery(old_delivery())]).unwrap();
        conn.batch_execute("SELECT pg_advisory_unlock(1)").unwrap();
    });
    assert_eq!((report.deliveries_left, report.events_kept), (0, 7));
    assert!(is_whole(&mut conn, old_delivery(), 4));
    mailglass::projection::repair(&mut conn, TENANT).unwrap();
    assert_cut(&mut conn, &report.kept_as.unwrap(), before());
}

#[test]
fn a_recorder_that_waits_for_the_deleted_delivery_is_let_through() {
    let (report, (), _database, mut conn) = while_deliveries_are_deleted(|conn, other| {
        let pid = backend_pid(other);
        thread::scope(|scope| {
            let recorder = scope.spawn(|| ledger::record(other, &[event().delivery(old_delivery())]).unwrap());
            wait_until_blocked(conn, pid);
            conn.batch_execute("SELECT pg_advisory_unlock(1)").unwrap();
            let recorded = recorder.join().unwrap();
            assert!(!recorded[0].event().needs_reconciliation);
        });
    });
    assert_eq!((report.deliveries_left, report.events_kept), (0, 7));
    assert!(is_whole(&mut conn, old_delivery(), 4));
    assert_cut(&mut conn, &report.kept_as.unwrap(), before());
}

#[test]
fn an_event_of_a_delivery_that_has_left_waits_and_expires_as_any_other() {
    let (_database, mut conn) = connected();
    insert_history(&mut conn, 2);
    retention::cut(&mut conn, &options()).unwrap();
    let late = event().provider_message("postmark", "m1");
    let recorded = ledger::record(&mut conn, &[late]).unwrap();
    assert!(recorded[0].event().needs_reconciliation);
    // The key of an event that has left is free again.
    let again = event().delivery(Uuid::from_u128(2)).idempotency_key("1:0");
    assert!(!ledger::record(&mut conn, &[again]).unwrap()[0].is_replay());
    // The key of one that stays is not.
    let replayed = event().delivery(Uuid::from_u128(2)).idempotency_key("2:0");
    assert!(
        ledger::record(&mut conn, &[replayed])
            .unwrap_err()
            .is_idempotency_conflict()
    );
}

#[test]
fn the_prepared_statements_of_a_recorder_survive_the_swap() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 2);
    let mut recorder = connect(&database);
    let young = Uuid::from_u128(2);
    let batch = || vec![event().delivery(young), event().delivery(young)];
    // Six times: from then on, PostgreSQL has a generic plan.
    for _ in 0..6 {
        ledger::record(&mut recorder, &[event().delivery(young)]).unwrap();
        ledger::record(&mut recorder, batch()).unwrap();
    }
    let prepared = "SELECT name FROM pg_prepared_statements";
    let names = count(&mut recorder, prepared);
    retention::cut(&mut conn, &options()).unwrap();
    ledger::record(&mut recorder, &[event().delivery(young)]).unwrap();
    ledger::record(&mut recorder, batch()).unwrap();
    assert_eq!(count(&mut recorder, prepared), names);
    assert!(is_whole(&mut conn, young, 3 + 7 * 3));
    assert_eq!(mailglass::projection::verify(&mut conn, TENANT).unwrap(), []);
}
