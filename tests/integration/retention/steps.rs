//! The steps of a cut: they can be ended and killed anywhere, resumed and aborted.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::contract;
use mailglass::retention::{self, CutOptions, OldLedger, Phase, Step};

use super::history::{assert_cut, before, count, insert_history, options, remember_links, rows};
use crate::support::{backend_pid, connect, connected};

const TABLES: [&str; 4] = [
    "mailglass_events",
    "mailglass_deliveries",
    "mailglass_event_links",
    "mailglass_event_details",
];

fn all_rows(conn: &mut PgConnection) -> Vec<Vec<String>> {
    TABLES.iter().map(|table| rows(conn, table)).collect()
}

fn in_small_steps() -> CutOptions {
    CutOptions { batch: 5, ..options() }
}

#[test]
fn a_cut_can_be_aborted_after_each_step_before_the_swap_and_leaves_nothing_behind() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 8);
    let all = all_rows(conn);
    let mut aborted = BTreeSet::new();
    for steps in 0.. {
        retention::begin(conn, &in_small_steps()).unwrap();
        for _ in 0..steps {
            retention::step(conn).unwrap();
        }
        let phase = retention::status(conn).unwrap().unwrap().phase;
        if phase > Phase::Swap {
            assert!(retention::abort(conn).unwrap_err().is_cut_rejected());
            break;
        }
        assert_eq!(retention::abort(conn).unwrap().phase, phase);
        assert_eq!(all_rows(conn), all);
        assert_eq!(contract::verify(conn).unwrap(), []);
        assert_eq!(
            count(
                conn,
                "SELECT FROM pg_class WHERE relname ~ 'mailglass_(cut|events_(next|until))'"
            ),
            0
        );
        aborted.insert(phase);
    }
    assert_eq!(aborted.len(), 5, "{aborted:?}");
    assert_eq!(retention::resume(conn).unwrap().deliveries_left, 4);
}

#[test]
fn a_cut_goes_through_its_phases_in_order_and_reports_its_progress() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 8);
    remember_links(&mut conn);
    let mut phases = vec![retention::begin(&mut conn, &in_small_steps()).unwrap()];
    let report = loop {
        // Each step by a process of its own.
        let mut conn = connect(&database);
        match retention::step(&mut conn).unwrap() {
            Step::Continue(status) => {
                assert_eq!(retention::status(&mut conn).unwrap().as_ref(), Some(&status));
                phases.push(status);
            }
            Step::Finished(report) => break report,
        }
    };
    assert!(
        phases.is_sorted_by_key(|status| (status.phase, status.done)),
        "{phases:#?}"
    );
    let seen: BTreeSet<Phase> = phases.iter().map(|status| status.phase).collect();
    assert_eq!(seen.len(), 7);
    let last_of_events = phases.iter().rfind(|status| status.phase == Phase::Events).unwrap();
    assert_eq!((last_of_events.done, last_of_events.expected), (20, 24));
    assert_eq!((report.events_left, report.events_kept), (12, 12));
    assert_cut(&mut conn, &report.kept_as.unwrap(), before());
}

/// The connection is cut at growing delays into a step, from before its first statement to after its COMMIT, and the next process goes on.
#[test]
fn a_connection_that_is_killed_in_a_step_loses_nothing() {
    for old_ledger in [OldLedger::Keep, OldLedger::Drop] {
        let (database, mut conn) = connected();
        insert_history(&mut conn, 30);
        remember_links(&mut conn);
        conn.batch_execute("CREATE TABLE all_events AS SELECT * FROM mailglass_events")
            .unwrap();
        let options = CutOptions {
            old_ledger,
            batch: 20,
            ..options()
        };
        let mut kept = None;
        let mut kills = 0;
        for attempt in 0_u64.. {
            let mut victim = connect(&database);
            let pid = backend_pid(&mut victim);
            let delay = Duration::from_micros(attempt % 40 * 500);
            let outcome = thread::scope(|scope| {
                let step = scope.spawn(move || -> mailglass::Result<Option<Step>> {
                    if retention::status(&mut victim)?.is_none() {
                        return retention::begin(&mut victim, &options).map(|_| None);
                    }
                    retention::step(&mut victim).map(Some)
                });
                // From the second process on; the first ones begin in peace, or a fast machine would never get on.
                if attempt % 3 > 0 {
                    thread::sleep(delay);
                    conn.batch_execute(&format!("SELECT pg_terminate_backend({pid}, 5000)"))
                        .unwrap();
                }
                step.join().unwrap()
            });
            match outcome {
                Ok(Some(Step::Finished(report))) => {
                    assert_eq!((report.deliveries_left, report.events_left), (15, 45));
                    kept = report.kept_as;
                    break;
                }
                Ok(_) => {}
                Err(error) => {
                    assert!(error.is_database(), "{error:?}");
                    kills += 1;
                    // The last step was committed, but its report was lost with the connection.
                    if retention::status(&mut conn).unwrap().is_none()
                        && count(&mut conn, "SELECT FROM mailglass_deliveries") == 15
                    {
                        break;
                    }
                }
            }
        }
        assert!(kills > 5, "only {kills} steps were killed");
        assert_cut(&mut conn, "all_events", before());
        if let Some(kept) = kept {
            assert_eq!(rows(&mut conn, &kept), rows(&mut conn, "all_events"));
        }
    }
}

#[test]
fn two_processes_can_make_the_steps_together() {
    let (database, mut conn) = connected();
    insert_history(&mut conn, 200);
    remember_links(&mut conn);
    let begun = retention::begin(&mut conn, &in_small_steps()).unwrap();
    assert_eq!(begun.phase, Phase::Deliveries);
    let reports = crate::support::at_once(&database, 2, |_, conn| retention::resume(conn));
    // The other one finds that there is no cut any more, or loses the tables while it waits for the lock.
    let report = reports.into_iter().find_map(Result::ok).unwrap();
    assert_eq!(
        (report.deliveries_left, report.events_left, report.events_kept),
        (100, 300, 300)
    );
    assert_cut(&mut conn, &report.kept_as.unwrap(), before());
}
