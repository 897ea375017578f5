//! What a cut rejects, and that it changes nothing then.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::retention::{self, CutOptions, OldLedger, Phase};
use mailglass::{CutRejection, Error};

use super::history::{before, count, insert_history, options, rows};
use crate::support::{connect, connected, wrong_fields};

fn rejection<T: std::fmt::Debug>(outcome: mailglass::Result<T>) -> CutRejection {
    match outcome {
        Err(Error::CutRejected(rejection)) => rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

/// Each object that would stay with the old ledger, the statement that creates it, and the one that drops it.
const DEPENDENTS: [(&str, &str, &str); 10] = [
    (
        "view recent",
        "CREATE VIEW recent AS SELECT id FROM mailglass_events",
        "DROP VIEW recent",
    ),
    (
        "materialized view recent",
        "CREATE MATERIALIZED VIEW recent AS SELECT id FROM mailglass_events",
        "DROP MATERIALIZED VIEW recent",
    ),
    (
        "constraint orders_event_fkey on table orders",
        "CREATE TABLE orders (event uuid REFERENCES mailglass_events)",
        "DROP TABLE orders",
    ),
    (
        "rule noted on table mailglass_events",
        "CREATE RULE noted AS ON INSERT TO mailglass_events DO ALSO NOTHING",
        "DROP RULE noted ON mailglass_events",
    ),
    (
        "function newest()",
        "CREATE FUNCTION newest() RETURNS timestamptz BEGIN ATOMIC SELECT max(occurred_at) FROM mailglass_events; END",
        "DROP FUNCTION newest",
    ),
    (
        "function weight(mailglass_events)",
        "CREATE FUNCTION weight(mailglass_events) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION weight",
    ),
    (
        "table child",
        "CREATE TABLE child () INHERITS (mailglass_events)",
        "DROP TABLE child",
    ),
    (
        "sequence numbers",
        "CREATE SEQUENCE numbers OWNED BY mailglass_events.id",
        "DROP SEQUENCE numbers",
    ),
    (
        "publication everything of all tables",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "DROP PUBLICATION everything",
    ),
    (
        "publication everything of all tables in the schema",
        "CREATE PUBLICATION everything FOR TABLES IN SCHEMA public",
        "DROP PUBLICATION everything",
    ),
];

#[test]
fn every_object_that_refers_to_the_ledger_is_listed() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    for (object, create, drop) in DEPENDENTS {
        conn.batch_execute(create).unwrap();
        let expected = CutRejection::Dependents(vec![object.to_owned()]);
        assert_eq!(rejection(retention::begin(conn, &options())), expected);
        assert_eq!(rejection(retention::preview(conn, before())), expected);
        conn.batch_execute(drop).unwrap();
    }
    conn.batch_execute(&format!("{}; {}", DEPENDENTS[0].1, DEPENDENTS[2].1))
        .unwrap();
    let CutRejection::Dependents(objects) = rejection(retention::cut(conn, &options())) else {
        panic!("expected dependents")
    };
    assert_eq!(objects, [DEPENDENTS[2].0, DEPENDENTS[0].0]);
    assert_eq!(retention::status(conn).unwrap(), None);
    assert_eq!(count(conn, "SELECT FROM pg_class WHERE relname ~ 'mailglass_cut'"), 0);
}

#[test]
fn a_change_of_the_ledger_during_the_cut_is_noticed_and_the_cut_can_be_aborted() {
    for change in [
        "CREATE INDEX added ON mailglass_events (trace_id)",
        "GRANT SELECT ON mailglass_events TO pg_monitor",
        "ALTER TABLE mailglass_events ADD COLUMN added text",
        "ALTER TABLE mailglass_events ALTER COLUMN trace_id SET DEFAULT ''",
        "COMMENT ON TABLE mailglass_events IS 'mine'",
        "CREATE PUBLICATION added FOR TABLE mailglass_events",
    ] {
        let (_database, mut conn) = connected();
        let conn = &mut conn;
        insert_history(conn, 4);
        let before = rows(conn, "mailglass_deliveries");
        retention::begin(conn, &options()).unwrap();
        conn.batch_execute(change).unwrap();
        assert_eq!(
            rejection(retention::resume(conn)),
            CutRejection::LedgerChanged,
            "{change}"
        );
        assert_eq!(rows(conn, "mailglass_deliveries"), before);
        assert_eq!(retention::abort(conn).unwrap().phase, Phase::Swap);
        assert_eq!(retention::cut(conn, &options()).unwrap().deliveries_left, 2);
    }
}

#[test]
fn a_view_that_is_created_during_the_cut_is_listed_and_the_cut_can_be_resumed_without_it() {
    let (_database, mut conn) = connected();
    insert_history(&mut conn, 4);
    retention::begin(&mut conn, &options()).unwrap();
    let (object, create, drop) = DEPENDENTS[0];
    conn.batch_execute(create).unwrap();
    let expected = CutRejection::Dependents(vec![object.to_owned()]);
    assert_eq!(rejection(retention::resume(&mut conn)), expected);
    conn.batch_execute(drop).unwrap();
    assert_eq!(retention::resume(&mut conn).unwrap().deliveries_left, 2);
}

#[test]
fn only_the_owner_can_cut_and_only_if_no_policy_hides_rows() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 4);
    conn.batch_execute(
        "DO 'BEGIN CREATE ROLE mail_owner; EXCEPTION WHEN duplicate_object THEN END';
         GRANT ALL ON SCHEMA public TO mail_owner;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO mail_owner",
    )
    .unwrap();
    let mut owner = connect(&database);
    owner.batch_execute("SET ROLE mail_owner").unwrap();
    let CutRejection::NotOwner { role, objects } = rejection(retention::begin(&mut owner, &options())) else {
        panic!("expected the missing rights")
    };
    assert_eq!((role.as_str(), objects.len()), ("mail_owner", 4));
    assert!(objects.contains(&"table mailglass_events".to_owned()));

    for table in ["deliveries", "events", "event_links", "event_details"] {
        conn.batch_execute(&format!("ALTER TABLE mailglass_{table} OWNER TO mail_owner"))
            .unwrap();
    }
    for function in ["mailglass_raise_immutability", "mailglass_await_reconciliation"] {
        conn.batch_execute(&format!("ALTER FUNCTION {function}() OWNER TO mail_owner"))
            .unwrap();
    }
    // The owner is exempt from policies unless they are forced.
    conn.batch_execute("ALTER TABLE mailglass_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        .unwrap();
    let hidden = CutRejection::RowSecurity(vec!["mailglass_events".to_owned()]);
    assert_eq!(rejection(retention::begin(&mut owner, &options())), hidden);
    assert_eq!(rejection(retention::preview(&mut owner, before())), hidden);
    // Also if the policy comes later.
    conn.batch_execute("ALTER TABLE mailglass_events NO FORCE ROW LEVEL SECURITY")
        .unwrap();
    retention::begin(&mut owner, &options()).unwrap();
    conn.batch_execute("ALTER TABLE mailglass_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        .unwrap();
    assert!(matches!(
        rejection(retention::step(&mut owner)),
        CutRejection::RowSecurity(_)
    ));
    conn.batch_execute("ALTER TABLE mailglass_deliveries NO FORCE ROW LEVEL SECURITY")
        .unwrap();
    let report = retention::resume(&mut owner).unwrap();
    assert_eq!((report.deliveries_left, report.events_kept), (2, 6));
}

#[test]
fn a_cut_is_no_part_of_a_transaction_and_leaves_it_usable() {
    let (_database, mut conn) = connected();
    conn.transaction::<_, Error, _>(|conn| {
        assert_eq!(rejection(retention::cut(conn, &options())), CutRejection::InTransaction);
        assert_eq!(
            rejection(retention::preview(conn, before())),
            CutRejection::InTransaction
        );
        assert_eq!(retention::status(conn)?, None);
        assert_eq!(count(conn, "SELECT 1"), 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn one_cut_at_a_time() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    assert_eq!(rejection(retention::resume(conn)), CutRejection::NoCut);
    assert_eq!(rejection(retention::abort(conn)), CutRejection::NoCut);
    retention::begin(conn, &options()).unwrap();
    assert_eq!(rejection(retention::begin(conn, &options())), CutRejection::Unfinished);
    retention::resume(conn).unwrap();
    assert_eq!(rejection(retention::resume(conn)), CutRejection::NoCut);
}

#[test]
fn a_time_in_the_future_and_an_empty_batch_are_invalid() {
    let (_database, mut conn) = connected();
    let tomorrow = CutOptions::before(Utc::now() + TimeDelta::days(1));
    assert_eq!(
        wrong_fields(&retention::cut(&mut conn, &tomorrow).unwrap_err()),
        ["before"]
    );
    let empty = CutOptions { batch: 0, ..options() };
    assert_eq!(wrong_fields(&retention::cut(&mut conn, &empty).unwrap_err()), ["batch"]);
}

#[test]
fn without_tables_there_is_nothing_to_cut() {
    let database = crate::support::server().database().unwrap();
    let mut conn = connect(&database);
    assert_eq!(rejection(retention::cut(&mut conn, &options())), CutRejection::NoLedger);
}

#[test]
fn a_long_transaction_is_waited_for_as_long_as_the_lock_timeout_and_the_cut_continues_later() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 4);
    let mut other = connect(&database);
    conn.batch_execute("SET lock_timeout = '200ms'").unwrap();
    let in_use = CutRejection::InUse(Duration::from_millis(200));
    other
        .transaction::<_, Error, _>(|other| {
            // A writer prevents the triggers, and a reader does not.
            count(other, "SELECT FROM mailglass_events");
            retention::begin(conn, &options()).unwrap();
            retention::abort(conn).unwrap_err();
            assert_eq!(rejection(retention::resume(conn)), in_use);
            Ok(())
        })
        .unwrap();
    let dropping = CutOptions {
        old_ledger: OldLedger::Drop,
        ..options()
    };
    assert_eq!(retention::resume(conn).unwrap().deliveries_left, 2);
    other
        .transaction::<_, Error, _>(|other| {
            mailglass::ledger::record(other, &[crate::support::event(mailglass::EventType::Opened, 0)])?;
            assert_eq!(rejection(retention::begin(conn, &dropping)), in_use);
            Ok(())
        })
        .unwrap();
    assert_eq!(retention::cut(conn, &dropping).unwrap().events_left, 1);
}

#[test]
fn a_delivery_that_stays_locked_is_waited_for_as_long_as_the_lock_timeout() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 4);
    let mut other = connect(&database);
    conn.batch_execute("SET lock_timeout = '200ms'").unwrap();
    other
        .transaction::<_, Error, _>(|other| {
            count(other, "SELECT FROM mailglass_deliveries FOR UPDATE");
            let in_use = CutRejection::InUse(Duration::from_millis(200));
            assert_eq!(rejection(retention::cut(conn, &options())), in_use);
            Ok(())
        })
        .unwrap();
    assert_eq!(retention::resume(conn).unwrap().deliveries_left, 2);
}

#[test]
fn a_row_that_refers_to_a_delivery_stops_the_last_step_and_nothing_is_lost() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 4);
    conn.batch_execute(
        "CREATE TABLE orders (delivery uuid REFERENCES mailglass_deliveries);
         INSERT INTO orders SELECT id FROM mailglass_deliveries",
    )
    .unwrap();
    let all = (rows(conn, "mailglass_deliveries"), rows(conn, "mailglass_events"));
    assert!(retention::cut(conn, &options()).unwrap_err().is_database());
    assert_eq!(
        (rows(conn, "mailglass_deliveries"), rows(conn, "mailglass_events")),
        all
    );
    conn.batch_execute("DELETE FROM orders").unwrap();
    assert_eq!(retention::resume(conn).unwrap().deliveries_left, 2);
}
