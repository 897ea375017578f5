//! `mailglass reconcile`.

use diesel::prelude::*;
use mailglass::{EventType, ledger};
use nix::sys::signal::Signal;
use scratch_postgres::Server;
use serde_json::{Value, json};

use crate::program::{Running, execute, program_on, run};
use test_support::{connect, connected, delivery, event, to};

/// Records an event before its delivery.
fn orphan(conn: &mut PgConnection, message: &str) {
    let orphan = event(EventType::Delivered, 5).provider_message("postmark", message);
    ledger::record(conn, &[orphan]).unwrap();
}

fn deliver(conn: &mut PgConnection, message: &str) {
    let delivery = to("ann@example.com").provider("postmark").provider_message_id(message);
    delivery.insert(conn).unwrap();
}

#[test]
fn one_sweep_links_what_has_waited_for_its_delivery() {
    let (database, mut conn) = connected();
    orphan(&mut conn, "m1");
    orphan(&mut conn, "m2");
    deliver(&mut conn, "m1");
    let early = run(&database, &["reconcile"]).exits(0);
    assert_eq!(
        early.stdout, "linked 0, waiting 0, ambiguous 0, expired 0, failed 0\n",
        "a minute's grace"
    );
    let swept = run(&database, &["reconcile", "--grace", "0s"]).exits(0);
    assert_eq!(swept.stdout, "linked 1, waiting 1, ambiguous 0, expired 0, failed 0\n");
    deliver(&mut conn, "m2");
    let elsewhere = run(
        &database,
        &["reconcile", "--grace", "0s", "--tenant", "other", "--json"],
    )
    .exits(0);
    assert_eq!(
        elsewhere.json(),
        json!({"linked": 0, "waiting": 0, "ambiguous": 0, "expired": 0, "failed": 0})
    );
    let swept = run(&database, &["reconcile", "--grace", "0s", "--tenant", "acme", "--json"]).exits(0);
    assert_eq!(
        swept.json(),
        json!({"linked": 1, "waiting": 0, "ambiguous": 0, "expired": 0, "failed": 0})
    );
}

#[test]
fn a_sweep_takes_no_more_than_its_limit_and_says_so() {
    let (database, mut conn) = connected();
    orphan(&mut conn, "m1");
    orphan(&mut conn, "m2");
    let swept = run(&database, &["reconcile", "--grace", "0s", "--limit", "1"]).exits(0);
    assert_eq!(swept.stdout, "linked 0, waiting 1, ambiguous 0, expired 0, failed 0\n");
    swept.says("--limit");
}

#[test]
fn what_has_waited_too_long_is_given_up() {
    let (database, mut conn) = connected();
    orphan(&mut conn, "m1");
    execute(
        &mut conn,
        "UPDATE mailglass_event_links SET inserted_at = now() - interval '3 days'",
    );
    let kept = run(&database, &["reconcile", "--max-age", "4d"]).exits(0);
    assert_eq!(kept.stdout, "linked 0, waiting 1, ambiguous 0, expired 0, failed 0\n");
    let swept = run(&database, &["reconcile", "--max-age", "2d"]).exits(0);
    assert_eq!(swept.stdout, "linked 0, waiting 0, ambiguous 0, expired 1, failed 0\n");
}

#[test]
fn a_service_says_what_it_did_and_ends_with_its_totals_when_told_to() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (database, mut conn) = connected();
        orphan(&mut conn, "m1");
        deliver(&mut conn, "m1");
        let mut service =
            Running::start(program_on(&database).args(["reconcile", "--every", "100ms", "--grace", "0s"]));
        service.wait_for("linked 1, waiting 0");
        orphan(&mut conn, "m2");
        deliver(&mut conn, "m2");
        service.wait_for("linked 1, waiting 0");
        service.signal(signal);
        let answer = service.end().exits(0);
        assert!(answer.stdout.ends_with(" sweeps: linked 2, expired 0\n"), "{answer:?}");
        assert_eq!(answer.stdout.lines().count(), 1, "sweeps that did nothing say nothing");
    }
}

#[test]
fn a_services_json_is_an_object_a_line() {
    let (database, _conn) = connected();
    let mut service =
        Running::start(program_on(&database).args(["reconcile", "--every", "100ms", "--verbose", "--json"]));
    let line: Value = serde_json::from_str(&service.wait_for("linked")).unwrap();
    assert_eq!(line["waiting"], 0);
    service.signal(Signal::SIGTERM);
    let answer = service.end().exits(0);
    let total: Value = serde_json::from_str(answer.stdout.lines().last().unwrap()).unwrap();
    assert!(total["sweeps"].as_u64().unwrap() > 0);
    assert_eq!(answer.stderr, "");
}

#[test]
fn a_service_outlives_its_server() {
    let server = Server::start().unwrap();
    let database = server.database().unwrap();
    run(&database, &["migrate"]).exits(0);
    // The server commits asynchronously, so the crash could otherwise lose the tables.
    execute(&mut connect(&database), "CHECKPOINT");
    let mut service =
        Running::start(program_on(&database).args(["reconcile", "--every", "100ms", "--grace", "0s", "--verbose"]));
    service.wait_for("linked 0");
    server.crash().unwrap();
    service.wait_for_word("lost the connection");
    service.wait_for_word("reconnected");
    let mut conn = connect(&database);
    orphan(&mut conn, "m1");
    deliver(&mut conn, "m1");
    service.wait_for("linked 1");
    service.signal(Signal::SIGTERM);
    service.end().exits(0);
}

#[test]
fn a_service_that_finds_its_tables_gone_ends() {
    let (database, mut conn) = connected();
    delivery(&mut conn);
    let mut service = Running::start(program_on(&database).args(["reconcile", "--every", "100ms", "--verbose"]));
    service.wait_for("linked 0");
    execute(&mut conn, "DROP TABLE mailglass_event_links");
    service.end().exits(4).says("mailglass migrate");
}
