//! `mailglass verify`.

use mailglass::migrations::FILES;
use serde_json::json;

use crate::program::{answer, execute, program, program_on, run};
use test_support::{connect, connected, database, delivery, server};

#[test]
fn a_healthy_database_passes() {
    let answer = run(&database(), &["verify"]).exits(0);
    assert_eq!(answer.tables().len(), 1);
    assert_eq!(answer.tables()[0][0], ["check", "outcome", "detail"]);
    let checks: Vec<_> = answer.tables()[0][1..].iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(
        checks,
        [("contract", "passed"), ("guard", "passed"), ("migrations", "passed")]
    );
    let json = run(&database(), &["verify", "--json"]).exits(0).json();
    assert_eq!(json["is_ok"], true);
    assert_eq!(json["differences"], json!([]));
}

#[test]
fn every_difference_is_listed() {
    let (database, mut conn) = connected();
    execute(&mut conn, "DROP INDEX mailglass_events_delivery_idx");
    execute(
        &mut conn,
        "ALTER TABLE mailglass_deliveries ALTER mailable DROP NOT NULL",
    );
    let answer = run(&database, &["verify"]).exits(1);
    let differences = answer.tables().remove(1);
    assert_eq!(differences[0], ["weight", "kind", "object", "expected", "found"]);
    let mut found: Vec<_> = differences[1..].iter().map(|row| (row[0], row[1], row[2])).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("serious", "column", "mailglass_deliveries.mailable"),
            ("serious", "index", "mailglass_events.mailglass_events_delivery_idx"),
        ]
    );
    let json = run(&database, &["verify", "--json"]).exits(1).json();
    assert_eq!(json["is_ok"], false);
    assert_eq!(json["differences"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_harmless_is_shown_and_fails_only_where_one_is_strict() {
    let (database, mut conn) = connected();
    execute(&mut conn, "CREATE INDEX hosts_idx ON mailglass_events (trace_id)");
    let answer = run(&database, &["verify"]).exits(0);
    assert_eq!(answer.tables()[1][1][..2], ["harmless", "index"]);
    run(&database, &["verify", "--strict"]).exits(1);
}

#[test]
fn a_guard_that_sleeps_is_found_by_trying() {
    let (database, mut conn) = connected();
    execute(&mut conn, "ALTER TABLE mailglass_events DISABLE TRIGGER USER");
    let answer = run(&database, &["verify"]).exits(1);
    assert_eq!(answer.tables()[0][2][..2], ["guard", "FAILED"]);
    assert!(answer.tables()[0][2][2].contains("DELETE is accepted"), "{answer:?}");
}

#[test]
fn the_probe_leaves_nothing_and_needs_no_rights() {
    let (database, mut conn) = connected();
    delivery(&mut conn);
    let role = format!("mailglass_cli_{}", uuid::Uuid::now_v7().simple());
    execute(&mut conn, &format!("CREATE ROLE {role}"));
    execute(
        &mut conn,
        &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    // The rights that the README recommends, without SELECT on the list of migrations.
    execute(
        &mut conn,
        &format!("REVOKE ALL ON __diesel_schema_migrations FROM {role}"),
    );
    let as_role = answer(
        program_on(&database)
            .args(["verify", "--projection"])
            .env("PGOPTIONS", format!("-crole={role}")),
    );
    execute(&mut conn, &format!("DROP OWNED BY {role}"));
    execute(&mut conn, &format!("DROP ROLE {role}"));
    let checks = as_role.exits(0);
    let checks = &checks.tables()[0];
    assert_eq!(checks[2][..2], ["guard", "passed"]);
    assert_eq!(
        checks[2][2].matches("is not permitted to this role").count(),
        2,
        "{checks:?}"
    );
    assert_eq!(checks[3][..2], ["migrations", "skipped"]);
    assert_eq!(checks[4][..2], ["projection", "passed"]);
}

#[test]
fn a_session_that_may_only_read_can_not_try_the_guard() {
    let answer = answer(
        program_on(&database())
            .arg("verify")
            .env("PGOPTIONS", "-cdefault_transaction_read_only=on"),
    );
    assert_eq!(answer.exits(0).tables()[0][2][..2], ["guard", "skipped"]);
}

#[test]
fn a_migration_that_is_pending_fails_and_is_named() {
    let database = database();
    run(&database, &["migrate", "--revert-to", FILES[FILES.len() - 2].version]).exits(0);
    let answer = run(&database, &["verify"]).exits(1);
    assert_eq!(answer.tables()[0][3][..2], ["migrations", "FAILED"]);
    assert!(
        answer.tables()[0][3][2].contains(FILES[FILES.len() - 1].version),
        "{answer:?}"
    );
}

#[test]
fn deliveries_that_were_changed_by_hand_are_found_tenant_by_tenant() {
    let (database, mut conn) = connected();
    let wrong = delivery(&mut conn);
    let other = mailglass::NewDelivery::new("other", "welcome", mailglass::Stream::Bulk, "eve@example.com");
    other.insert(&mut conn).unwrap();
    execute(
        &mut conn,
        &format!(
            "UPDATE mailglass_deliveries SET status = 'failed' WHERE id = '{}'",
            wrong.id
        ),
    );
    run(&database, &["verify"]).exits(0);
    let answer = run(&database, &["verify", "--projection"]).exits(1);
    let id = wrong.id.to_string();
    assert_eq!(
        answer.tables()[1][0],
        ["tenant", "delivery", "column", "found", "expected"]
    );
    assert_eq!(answer.tables()[1][1], ["acme", &id, "status", "failed", "queued"]);
    run(&database, &["verify", "--projection", "--tenant", "other"]).exits(0);
    let json = run(&database, &["verify", "--projection", "--json"]).exits(1).json();
    let column = json!({"column": "status", "found": "failed", "expected": "queued"});
    assert_eq!(
        json["divergences"],
        json!([{"tenant": "acme", "delivery_id": id, "columns": [column]}])
    );
}

#[test]
fn a_database_without_mailglass_is_another_matter_than_one_without_a_table() {
    let empty = server().database().unwrap();
    run(&empty, &["verify"]).exits(4).says("mailglass migrate");
    let (database, mut conn) = connected();
    execute(&mut conn, "DROP TABLE mailglass_event_links");
    run(&database, &["verify"]).exits(1);
    execute(&mut connect(&database), "DROP TABLE mailglass_events");
    let answer = run(&database, &["verify"]).exits(1);
    assert_eq!(answer.tables()[0][2][..2], ["guard", "FAILED"]);
}

#[test]
fn a_throwaway_server_is_started_migrated_and_checked() {
    // DATABASE_URL is ignored.
    let answer = answer(
        program()
            .args(["verify", "--scratch", "--projection"])
            .env("DATABASE_URL", "host=/nowhere"),
    );
    assert_eq!(answer.exits(0).tables()[0].len(), 5);
}
