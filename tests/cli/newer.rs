//! A database that a newer release migrated: it has labels that this one doesn't know.

use diesel::prelude::*;
use uuid::Uuid;

use crate::program::{execute, run};
use crate::support::{connected, delivery};

/// As if a newer release had written a row with a label of its own.
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
        ["matters", "label", "mailglass_event_type.teleported"]
    );
}

#[test]
fn what_only_counts_can_still_count() {
    let (database, mut conn) = connected();
    let id = delivery(&mut conn).id;
    teleport(&mut conn, id);
    let stats = run(&database, &["stats"]).exits(0);
    assert!(stats.tables()[1].contains(&vec!["teleported", "1"]));
}
