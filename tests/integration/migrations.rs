//! Migrations: up, down and up leave the same schema; processes may migrate at once; any schema will do.

use std::process::Command;

use diesel::prelude::*;
use diesel::sql_query;
use diesel_migrations::MigrationHarness;
use mailglass::migrations::{MIGRATIONS, run};
use scratch_postgres::Database;

use crate::support::{at_once, connect, delivery, server};

/// The whole database as SQL, without the lines that differ from run to run.
pub fn dump(database: &Database) -> String {
    let pg_dump = server()
        .program("pg_dump")
        .expect("pg_dump beside the server or on the PATH");
    let output = Command::new(pg_dump)
        .args(["--schema-only", "--dbname", database.url()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sql = String::from_utf8(output.stdout).unwrap();
    sql.lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn up_down_and_up_leave_the_same_schema_and_down_leaves_nothing() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    sql_query("CREATE EXTENSION citext").execute(&mut conn).unwrap();
    // Makes Diesel create its own table, which stays when everything is reverted.
    assert!(conn.has_pending_migration(MIGRATIONS).unwrap());
    let nothing = dump(&database);

    let applied = run(&mut conn).unwrap();
    let up = dump(&database);
    assert_ne!(up, nothing);
    assert!(run(&mut conn).unwrap().is_empty(), "there is nothing left to apply");

    let reverted = conn.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(reverted.len(), applied.len());
    assert_eq!(
        dump(&database),
        nothing,
        "down leaves nothing of ours and all of the host's"
    );

    assert_eq!(run(&mut conn).unwrap(), applied);
    assert_eq!(dump(&database), up);
}

#[test]
fn each_migration_goes_up_down_and_up_by_itself() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    let count = conn.pending_migrations(MIGRATIONS).unwrap().len();
    for _ in 0..count {
        conn.run_next_migration(MIGRATIONS).unwrap();
        let up = dump(&database);
        conn.revert_last_migration(MIGRATIONS).unwrap();
        conn.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(dump(&database), up);
    }
    assert!(!conn.has_pending_migration(MIGRATIONS).unwrap());
}

#[test]
fn processes_that_migrate_at_the_same_moment_all_succeed() {
    const PROCESSES: usize = 3;
    for _ in 0..5 {
        let database = server().database().unwrap();
        let applied = at_once(&database, PROCESSES, |_, conn| run(conn).unwrap());
        let mut counts: Vec<usize> = applied.iter().map(Vec::len).collect();
        counts.sort_unstable();
        assert_eq!(
            counts,
            [0, 0, applied.iter().map(Vec::len).sum()],
            "one applies them all, the others find them"
        );
        delivery(&mut connect(&database));
    }
}

#[test]
fn everything_lands_in_the_schema_that_search_path_puts_first() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    sql_query("CREATE SCHEMA mail").execute(&mut conn).unwrap();
    sql_query("SET search_path = mail, public").execute(&mut conn).unwrap();
    run(&mut conn).unwrap();
    let strays = sql_query(
        "SELECT 1 FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE class.relname LIKE 'mailglass%' AND namespace.nspname <> 'mail'",
    );
    assert_eq!(strays.execute(&mut conn).unwrap(), 0);
    let delivery = delivery(&mut conn);
    assert_eq!(delivery.timeline(&mut conn).unwrap().len(), 1);
    let guarded = sql_query("TRUNCATE mail.mailglass_events")
        .execute(&mut conn)
        .unwrap_err();
    assert!(mailglass::Error::from(guarded).is_ledger_immutable());
}

#[test]
fn a_migration_that_fails_is_a_typed_error_and_the_lock_is_free_again() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    sql_query("CREATE TABLE mailglass_events (id integer)")
        .execute(&mut conn)
        .unwrap();
    assert!(run(&mut conn).unwrap_err().is_migration());
    sql_query("DROP TABLE mailglass_events").execute(&mut conn).unwrap();
    assert!(
        !run(&mut connect(&database)).unwrap().is_empty(),
        "another connection goes on where it stopped"
    );
}

#[test]
fn everything_has_a_comment() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    run(&mut conn).unwrap();
    let bare = sql_query(
        "SELECT class.relname FROM pg_class AS class
         JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum >= 0
         WHERE class.relkind = 'r' AND class.relname LIKE 'mailglass%' AND NOT attribute.attisdropped
           AND (obj_description(class.oid, 'pg_class') IS NULL OR col_description(class.oid, attribute.attnum) IS NULL)
         UNION ALL
         SELECT typname FROM pg_type WHERE typname LIKE 'mailglass%' AND typtype = 'e'
           AND obj_description(oid, 'pg_type') IS NULL",
    );
    assert_eq!(bare.execute(&mut conn).unwrap(), 0);
}

#[test]
fn the_invariants_hold_in_the_database_too() {
    let (_database, mut conn) = crate::support::connected();
    delivery(&mut conn);
    let refused = [
        ("tenant_id = ''", "tenant_id_is_not_empty"),
        ("mailable = ''", "mailable_is_not_empty"),
        ("recipient = 'a@'", "recipient_is_a_bare_address"),
        ("recipient = '@b'", "recipient_is_a_bare_address"),
        ("recipient_domain = ''", "recipient_domain_is_not_empty"),
        ("provider = ''", "provider_is_not_empty"),
        (
            "recipient = E'ann\\r\\nBcc: eve@example.com'",
            "recipient_is_a_bare_address",
        ),
        ("recipient = 'ann smith@example.com'", "recipient_is_a_bare_address"),
        (
            "recipient = E'ann\\u00a0smith@example.com'",
            "recipient_is_a_bare_address",
        ),
        ("recipient = E'ann@example\\u2028.com'", "recipient_is_a_bare_address"),
        ("recipient = E'a\\x7f@example.com'", "recipient_is_a_bare_address"),
        ("provider_message_id = ''", "provider_message_id_is_not_empty"),
        ("last_event_at = 'infinity'", "event_times_are_in_years_1_to_9999"),
        ("delivered_at = '-infinity'", "event_times_are_in_years_1_to_9999"),
        (
            "bounced_at = '10000-01-01 00:00Z'",
            "event_times_are_in_years_1_to_9999",
        ),
        ("metadata = '[]'", "metadata_is_object"),
        ("last_error = '1'", "last_error_is_object"),
        ("lock_version = 0", "lock_version_is_positive"),
        ("idempotency_key = ''", "idempotency_key_is_1_to_512_bytes"),
        (
            "idempotency_key = repeat('é', 257)",
            "idempotency_key_is_1_to_512_bytes",
        ),
    ];
    for (change, constraint) in refused {
        let error = sql_query(format!("UPDATE mailglass_deliveries SET {change}"))
            .execute(&mut conn)
            .unwrap_err();
        let diesel::result::Error::DatabaseError(_, information) = error else {
            panic!("{change}: {error:?}");
        };
        let expected = format!("mailglass_deliveries_{constraint}");
        assert_eq!(information.constraint_name(), Some(expected.as_str()), "{change}");
    }
}
