//! Processes that add suppressions at the same time.

use std::thread;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::ledger::{self, RecordOptions};
use mailglass::schema::mailglass_suppressions;
use mailglass::suppressions::{self, Added, NewSuppression, SoftBounces, Subject, Suppression, SuppressionRules};
use mailglass::{EventDetails, EventType, NewDelivery, NewEvent, Stream, SuppressionReason};

use crate::support::{TENANT, at_once, backend_pid, connect, connected, database, insert, wait_until_blocked};

const ANN: &str = "ann@example.com";

fn ann() -> NewSuppression {
    NewSuppression::address(TENANT, ANN, SuppressionReason::Manual)
}

fn all(conn: &mut PgConnection) -> Vec<Suppression> {
    mailglass_suppressions::table
        .select(Suppression::as_select())
        .load(conn)
        .unwrap()
}

/// The second call waits for the first one. Its snapshot does not show the first one's row.
#[test]
fn an_expiring_suppression_that_waits_for_a_permanent_one_is_unchanged() {
    let (database, mut first) = connected();
    let mut second = connect(&database);
    let mut observer = connect(&database);
    let pid = backend_pid(&mut second);
    let (permanent, waiting) = first
        .transaction(|first| {
            let permanent = suppressions::add(first, &[ann()]).unwrap().remove(0);
            let waiting = thread::spawn(move || {
                let tomorrow = Utc::now() + TimeDelta::days(1);
                suppressions::add(&mut second, &[ann().until(tomorrow)])
                    .unwrap()
                    .remove(0)
            });
            wait_until_blocked(&mut observer, pid);
            QueryResult::Ok((permanent.into_suppression(), waiting))
        })
        .unwrap();
    assert_eq!(waiting.join().unwrap(), Added::Unchanged(permanent));
}

#[test]
fn a_permanent_suppression_that_waits_for_an_expiring_one_extends_it() {
    let (database, mut first) = connected();
    let mut second = connect(&database);
    let mut observer = connect(&database);
    let pid = backend_pid(&mut second);
    let waiting = first
        .transaction(|first| {
            let tomorrow = Utc::now() + TimeDelta::days(1);
            suppressions::add(first, &[ann().until(tomorrow)]).unwrap();
            let waiting = thread::spawn(move || suppressions::add(&mut second, &[ann()]).unwrap().remove(0));
            wait_until_blocked(&mut observer, pid);
            QueryResult::Ok(waiting)
        })
        .unwrap();
    let extended = waiting.join().unwrap();
    assert!(matches!(&extended, Added::Extended(row) if row.until.is_none()));
    assert_eq!(all(&mut first), [extended.into_suppression()]);
}

#[test]
fn batches_in_different_orders_do_not_deadlock_and_add_each_subject_once() {
    let database = database();
    let new: Vec<NewSuppression> = (0..300)
        .map(|n| {
            let reason = SuppressionReason::ALL[n % SuppressionReason::ALL.len()];
            let new = NewSuppression::address(TENANT, format!("reader{}@example.com", n / 3), reason);
            if n % 2 == 0 {
                new
            } else {
                new.until(Utc::now() + TimeDelta::days(1))
            }
        })
        .collect();
    let added = at_once(&database, 6, |worker, conn| {
        let mut mine = new.clone();
        mine.rotate_left(worker * 50);
        if worker % 2 == 1 {
            mine.reverse();
        }
        let batches = mine.chunks(60 + worker * 20);
        let added: Vec<Added> = batches
            .flat_map(|batch| suppressions::add(conn, batch).unwrap())
            .collect();
        if worker == 0 {
            // A removal takes its locks in the same order.
            suppressions::remove(conn, TENANT, &Subject::Address("reader1@example.com".to_owned()), None).unwrap();
            suppressions::add(conn, &new).unwrap();
        }
        added.iter().filter(|added| matches!(added, Added::Added(_))).count()
    });
    assert!(added.iter().sum::<usize>() >= 300);
    let mut conn = connect(&database);
    let rows = all(&mut conn);
    assert_eq!(rows.len(), 300);
}

/// Each transaction sees only its own bounce, unless one waits for the other.
#[test]
fn soft_bounces_that_are_recorded_at_the_same_time_are_counted_together() {
    let database = database();
    let mut conn = connect(&database);
    let deliveries: Vec<_> = (0..6)
        .map(|n| {
            let recipient = if n % 2 == 0 { ANN } else { "ANN@example.com" };
            insert(&mut conn, &NewDelivery::new(TENANT, "news", Stream::Bulk, recipient))
        })
        .collect();
    let rules = SuppressionRules {
        soft_bounces: Some(SoftBounces {
            threshold: 6,
            window: Duration::from_secs(3_600),
            duration: Duration::from_secs(3_600),
        }),
        ..SuppressionRules::default()
    };
    at_once(&database, 6, |worker, conn| {
        let bounced = NewEvent::new(TENANT, EventType::Bounced, Utc::now())
            .delivery(deliveries[worker].id)
            .details(EventDetails {
                permanent: Some(false),
                ..EventDetails::default()
            });
        ledger::record_with(conn, &[bounced], &RecordOptions { suppress: Some(rules) }).unwrap();
    });
    assert_eq!(all(&mut conn).len(), 1);
}
