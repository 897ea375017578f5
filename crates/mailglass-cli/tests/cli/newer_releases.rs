//! Databases of other releases: with unknown labels, or with pending migrations.

use diesel::prelude::*;
use mailglass::migrations::FILES;
use uuid::Uuid;

use crate::program::{execute, run};
use crate::rebuild::spoil;
use test_support::{connected, delivery};

/// Simulates a row with a label of a newer release.
fn teleport(conn: &mut PgConnection, id: Uuid) {
    execute(conn, "ALTER TYPE mailglass_event_type ADD VALUE 'teleported'");
    let event = format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
         VALUES (gen_random_uuid(), 'acme', '{id}', 'teleported', now())"
    );
    execute(conn, &event);
}

#[test]
fn what_can_not_be_read_says_why_and_what_to_do() {
    let (database, mut conn) = connected();
    let id = delivery(&mut conn).id;
    teleport(&mut conn, id);
    let answer = run(&database, &["timeline", &id.to_string()]).exits(4);
    answer
        .says("newer release")
        .says("mailglass_event_type.teleported")
        .says("install");
    execute(
        &mut conn,
        "UPDATE mailglass_deliveries SET last_event_type = 'teleported'",
    );
    run(&database, &["timeline", &id.to_string()])
        .exits(4)
        .says("newer release");
    run(&database, &["rebuild", "--delivery", &id.to_string()])
        .exits(4)
        .says("newer release");
    let error = run(&database, &["timeline", &id.to_string(), "--json"])
        .exits(4)
        .error();
    assert_eq!(error["code"], "unexpected_database");
}

#[test]
fn verify_fails_and_says_so() {
    let (database, mut conn) = connected();
    let id = delivery(&mut conn).id;
    teleport(&mut conn, id);
    let answer = run(&database, &["verify"]).exits(1).says("newer release");
    assert_eq!(
        answer.tables()[1][1][..3],
        ["serious", "label", "mailglass_event_type.teleported"]
    );
}

#[test]
fn what_writes_or_counts_refuses_it_and_changes_nothing() {
    let (database, mut conn) = connected();
    let id = delivery(&mut conn).id;
    teleport(&mut conn, id);
    spoil(&mut conn);
    let commands = [
        &["rebuild"][..],
        &["reconcile"],
        &["reconcile", "--every", "1s"],
        &["stats"],
    ];
    for command in commands {
        let refused = run(&database, command).exits(4).says("newer release").says("install");
        assert_eq!(refused.stdout, "");
    }
    let spoilt = "UPDATE mailglass_deliveries SET status = status WHERE status = 'suppressed'";
    assert_eq!(execute(&mut conn, spoilt), 1, "the rebuild changed nothing");
}

#[test]
fn an_older_releases_database_is_refused_too() {
    let (database, mut conn) = connected();
    let last = FILES[FILES.len() - 1].version;
    execute(
        &mut conn,
        &format!("DELETE FROM __diesel_schema_migrations WHERE version = '{last}'"),
    );
    for command in ["rebuild", "reconcile", "stats"] {
        run(&database, &[command])
            .exits(4)
            .says("an older release migrated this database: 1 migration is pending")
            .says("mailglass migrate");
    }
}

#[test]
fn a_column_that_differs_is_refused_and_an_index_is_not() {
    let (database, mut conn) = connected();
    execute(&mut conn, "DROP INDEX mailglass_events_tenant_recent_idx");
    for command in ["rebuild", "reconcile", "stats"] {
        run(&database, &[command]).exits(0);
    }
    execute(
        &mut conn,
        "ALTER TABLE mailglass_events ALTER trace_id TYPE varchar(10)",
    );
    for command in ["rebuild", "reconcile", "stats"] {
        run(&database, &[command]).exits(4).says("mailglass verify");
    }
}
