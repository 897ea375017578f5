//! Retention moves events to another table, and the checkpoints are renewed.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::ledger::{self, Checkpoint, CheckpointProblem, Renewal};
use mailglass::retention::{self, CutOptions};
use mailglass::{Delivery, EventDetails, EventType, NewEvent, privacy};

use super::{events_that_differ, insert_in_hours, seal, tamper, two_checkpoints, undone, verify};
use crate::support::{TENANT, at, connected, event, insert, record_one, to, wrong_fields};

/// Stands for a cut: keeps the old ledger, and removes events from the new one.
fn cut(conn: &mut PgConnection, kept: &str, condition: &str) {
    conn.batch_execute(&format!("CREATE TABLE {kept} AS SELECT * FROM mailglass_events"))
        .unwrap();
    tamper(conn, &format!("DELETE FROM mailglass_events WHERE {condition}"));
}

fn renew(conn: &mut PgConnection, chain: &mut Vec<Checkpoint>, kept: &str) {
    match ledger::renew_checkpoints(conn, TENANT, chain, kept).unwrap() {
        Renewal::Renewed(renewed) => chain.extend(renewed),
        Renewal::Differing(report) => panic!("{report:?}"),
    }
}

#[test]
fn checkpoints_are_renewed_after_a_cut() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let old = insert(conn, &to("ann@example.com"));
    let young = insert(conn, &to("bob@example.com"));
    record_one(
        conn,
        NewEvent::new(TENANT, EventType::Opened, chrono::Utc::now()).delivery(young.id),
    );
    let mut chain = vec![seal(conn, None)];

    let report = retention::cut(conn, &CutOptions::before(at(1))).unwrap();
    assert_eq!((report.deliveries_left, report.events_left), (1, 1));
    assert!(Delivery::find(conn, TENANT, old.id).is_err());
    assert!(!verify(conn, &chain).is_ok());
    renew(conn, &mut chain, &report.kept_as.unwrap());
    assert_eq!(verify(conn, &chain).differences, []);
}

#[test]
fn an_erasure_leaves_checkpoints_as_they_are() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = insert(conn, &to("ann@example.com"));
    let details = EventDetails {
        user_agent: Some("Mozilla/5.0".to_owned()),
        ..EventDetails::default()
    };
    record_one(conn, event(EventType::Opened, 1).delivery(delivery.id).details(details));
    let chain = [seal(conn, None)];
    let erased = privacy::erase(conn, TENANT, "ann@example.com").unwrap();
    assert_eq!(erased.erasure.event_details, 1);
    assert_eq!(verify(conn, &chain).differences, []);
}

#[test]
fn renewed_checkpoints_cover_what_remains_and_say_what_was_removed() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let mut chain = two_checkpoints(conn);
    cut(
        conn,
        "mailglass_events_until_2026_01_02",
        "inserted_at < '2026-01-02' AND tenant_id = 'acme'",
    );
    assert_eq!(
        events_that_differ(&verify(conn, &chain)),
        [(0, "01 00".to_owned(), 2, 0)]
    );

    renew(conn, &mut chain, "mailglass_events_until_2026_01_02");
    conn.batch_execute("DROP TABLE mailglass_events_until_2026_01_02")
        .unwrap();
    let report = verify(conn, &chain);
    assert_eq!(report.differences, []);
    assert_eq!((report.compared, report.events), (2, 4));
    assert_eq!(
        chain.iter().map(|checkpoint| checkpoint.removed).collect::<Vec<_>>(),
        [0, 0, 2, 0]
    );

    // The chain goes on, also through another cut. The table need not be the whole ledger.
    insert_in_hours(conn, TENANT, &[24 * 40]);
    tamper(
        conn,
        "UPDATE mailglass_events SET inserted_at = now() WHERE inserted_at > '2026-02-01'",
    );
    chain.push(seal(conn, chain.last()));
    conn.batch_execute("CREATE TABLE removed AS SELECT * FROM mailglass_events WHERE inserted_at < '2026-01-04'")
        .unwrap();
    tamper(
        conn,
        "DELETE FROM mailglass_events WHERE inserted_at < '2026-01-04' AND tenant_id = 'acme'",
    );
    renew(conn, &mut chain, "removed");
    let report = verify(conn, &chain);
    assert_eq!(report.differences, []);
    assert_eq!((chain.len(), report.compared, report.events), (8, 3, 2));

    // Only the last generation has to be kept.
    let report = verify(conn, &chain[5..]);
    assert_eq!((report.differences, report.from, report.compared), (vec![], None, 3));

    // What is renewed is protected as before.
    tamper(
        conn,
        "DELETE FROM mailglass_events WHERE tenant_id = 'acme' AND inserted_at < '2026-02-01'",
    );
    assert_eq!(
        events_that_differ(&verify(conn, &chain)),
        [(6, "04 00".to_owned(), 1, 0)]
    );
}

#[test]
fn nothing_is_renewed_if_an_event_was_changed_on_the_way() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let chain = two_checkpoints(conn);
    cut(conn, "kept", "inserted_at < '2026-01-02' AND tenant_id = 'acme'");
    for (statement, is_found) in [
        ("SELECT 1", false),
        // Of events that were in no checkpoint, or of another tenant.
        ("DELETE FROM kept WHERE tenant_id = 'other'", false),
        ("DELETE FROM kept WHERE inserted_at > '2026-01-02'", false),
        ("DELETE FROM kept", true),
        ("UPDATE kept SET trace_id = 'changed'", true),
        ("UPDATE mailglass_events SET trace_id = 'changed'", true),
        (
            "UPDATE mailglass_events SET trace_id = 'changed'; UPDATE kept SET trace_id = 'changed'",
            true,
        ),
        (
            "INSERT INTO kept SELECT gen_random_uuid(), tenant_id, delivery_id, type, occurred_at FROM kept",
            false,
        ),
        (
            "UPDATE kept SET id = gen_random_uuid() WHERE inserted_at < '2026-01-02' AND tenant_id = 'acme'",
            true,
        ),
    ] {
        let renewal = undone(conn, |conn| {
            tamper(conn, statement);
            ledger::renew_checkpoints(conn, TENANT, &chain, "kept").unwrap()
        });
        assert_eq!(matches!(renewal, Renewal::Differing(_)), is_found, "{statement}");
    }
}

#[test]
fn a_forged_renewal_is_found() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let mut chain = two_checkpoints(conn);
    conn.batch_execute("CREATE TABLE kept (LIKE mailglass_events)").unwrap();
    renew(conn, &mut chain, "kept");
    assert!(verify(conn, &chain).is_ok());
    let mut problems = |edit: fn(&mut Vec<Checkpoint>)| {
        let mut edited = chain.clone();
        edit(&mut edited);
        let differences = verify(conn, &edited).differences;
        differences
            .into_iter()
            .map(|difference| difference.problem)
            .collect::<Vec<_>>()
    };
    assert!(problems(|chain| chain[2].removed = 1).contains(&CheckpointProblem::RemovedDiffers));
    assert!(problems(|chain| chain[2].replaces = Some(chain[2].digest)).contains(&CheckpointProblem::ReplacesUnknown));
    assert!(problems(|chain| chain[3].replaces = chain[2].replaces).contains(&CheckpointProblem::ReplacesUnknown));
    assert!(problems(|chain| chain[3].from = None).contains(&CheckpointProblem::RangeDiffers));
}

#[test]
fn the_name_of_the_kept_table_is_only_ever_a_name() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let chain = two_checkpoints(conn);
    for name in [
        "kept\" WHERE false) --",
        ":tenant",
        "Kept; DROP TABLE mailglass_events",
        "$1",
        "a.b",
        "'",
    ] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let absent = ledger::renew_checkpoints(conn, TENANT, &chain, name).unwrap_err();
        assert_eq!(wrong_fields(&absent), ["kept"], "{name}");
        conn.batch_execute(&format!("CREATE TABLE {quoted} AS SELECT * FROM mailglass_events"))
            .unwrap();
        let renewed = ledger::renew_checkpoints(conn, TENANT, &chain, name).unwrap();
        assert!(matches!(renewed, Renewal::Renewed(_)), "{name}");
    }
    for name in ["", "\0", "pg_catalog.pg_class"] {
        let absent = ledger::renew_checkpoints(conn, TENANT, &chain, name).unwrap_err();
        assert_eq!(wrong_fields(&absent), ["kept"], "{name:?}");
    }
}
