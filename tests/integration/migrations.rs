//! Applying migrations: in any schema, by several processes at once, in transactions, and with few rights.

use std::process::Command;

use diesel::prelude::*;
use diesel::sql_query;
use diesel_migrations::MigrationHarness;
use mailglass::Error;
use mailglass::migrations::{DataLoss, FILES, MIGRATIONS, list, revert_to, run};
use mailglass::roles::{self, Access};

use crate::support::database::Address;
use crate::support::proxy::{Cut, Proxy, with_socket};
use crate::support::role::Role;
use crate::support::{at_once, backend_pid, connect, connected, database_error, delivery, server, wait_until_blocked};

/// The schema of the whole database as SQL, without the lines that differ between runs.
pub fn dump(database: &impl Address) -> String {
    let pg_dump = server()
        .program("pg_dump")
        .expect("pg_dump should be in the server's directory or in PATH");
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
fn up_after_down_restores_the_schema_and_down_removes_everything() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    sql_query("CREATE EXTENSION citext").execute(&mut conn).unwrap();
    // Makes Diesel create its versions table, which a revert keeps.
    assert!(conn.has_pending_migration(MIGRATIONS).unwrap());
    let nothing = dump(&database);

    let applied = run(&mut conn).unwrap();
    let up = dump(&database);
    assert_ne!(up, nothing);
    assert!(run(&mut conn).unwrap().is_empty(), "nothing is pending");

    let reverted = conn.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(reverted.len(), applied.len());
    assert_eq!(
        dump(&database),
        nothing,
        "down removes our objects and keeps those of the application"
    );

    assert_eq!(run(&mut conn).unwrap(), applied);
    assert_eq!(dump(&database), up);
}

#[test]
fn each_migration_can_be_reverted_and_applied_again() {
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
fn concurrent_processes_all_migrate_successfully() {
    const PROCESSES: usize = 3;
    for _ in 0..5 {
        let database = server().database().unwrap();
        let mut applied = at_once(&database, PROCESSES, |_, conn| run(conn).unwrap()).concat();
        applied.sort_unstable();
        let versions: Vec<_> = FILES.iter().map(|file| file.version).collect();
        assert_eq!(applied, versions, "each migration is applied by one process");
        delivery(&mut connect(&database));
    }
}

#[test]
fn everything_is_created_in_the_first_schema_of_search_path() {
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
fn a_failing_migration_is_a_typed_error_and_releases_the_lock() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    sql_query("CREATE TABLE mailglass_events (id integer)")
        .execute(&mut conn)
        .unwrap();
    assert!(run(&mut conn).unwrap_err().is_migration());
    sql_query("DROP TABLE mailglass_events").execute(&mut conn).unwrap();
    assert!(
        !run(&mut connect(&database)).unwrap().is_empty(),
        "another connection applies the rest"
    );
}

#[test]
fn a_run_that_fails_in_a_transaction_releases_the_lock() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    let failed = conn.transaction(|conn| {
        sql_query("CREATE TABLE mailglass_events (id integer)").execute(conn)?;
        run(conn)
    });
    assert!(failed.unwrap_err().is_migration());

    // A role without the right to create Diesel's table. The transaction remains usable after the failure.
    let role = Role::create(&database);
    let mut app = role.connect();
    app.transaction(|conn| {
        let failed = run(conn).unwrap_err();
        assert!(failed.to_string().contains("CREATE on schema public"), "{failed}");
        sql_query("SELECT 1").execute(conn)
    })
    .unwrap();

    let mut other = connect(&database);
    sql_query("SET statement_timeout = '30s'").execute(&mut other).unwrap();
    assert_eq!(run(&mut other).unwrap().len(), FILES.len());
    assert!(run(&mut conn).unwrap().is_empty());
}

#[test]
fn a_run_in_a_transaction_is_rolled_back_with_it() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    let rolled_back = conn.transaction::<(), Error, _>(|conn| {
        assert_eq!(run(conn)?.len(), FILES.len());
        delivery(conn);
        Err(diesel::result::Error::RollbackTransaction.into())
    });
    assert!(rolled_back.is_err());
    assert!(list(&mut conn).unwrap().iter().all(|listed| !listed.is_applied));
    let applied = conn.transaction(run).unwrap();
    assert_eq!(applied.len(), FILES.len());
}

/// Under REPEATABLE READ, a snapshot taken before the wait would not show the other run's migrations.
#[test]
fn a_run_that_waited_for_another_one_finds_nothing_pending_at_any_isolation_level() {
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let database = server().database().unwrap();
        let (mut first, mut second) = (connect(&database), connect(&database));
        for conn in [&mut first, &mut second] {
            sql_query(format!("SET default_transaction_isolation = '{isolation}'"))
                .execute(conn)
                .unwrap();
        }
        let pid = backend_pid(&mut second);
        first.begin_test_transaction().unwrap();
        run(&mut first).unwrap();
        let found = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| run(&mut second));
            wait_until_blocked(&mut connect(&database), pid);
            sql_query("COMMIT").execute(&mut first).unwrap();
            waiting.join().unwrap()
        });
        assert_eq!(found.unwrap(), [""; 0], "{isolation}");
    }
}

/// An old snapshot of the caller does not show the migrations that another session applied, so the caller must retry.
#[test]
fn a_run_in_a_transaction_with_an_old_snapshot_is_a_serialization_failure() {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    // Diesel's table is missing in the first round and exists in the second.
    for _ in 0..2 {
        let outcome = conn.build_transaction().repeatable_read().run(|conn| {
            assert!(list(conn)?.iter().all(|listed| !listed.is_applied));
            run(&mut connect(&database))?;
            run(conn)
        });
        let error = outcome.unwrap_err();
        assert!(error.is_serialization_failure(), "{error:?}");
        assert!(run(&mut conn).unwrap().is_empty());
        revert_to(&mut conn, None, DataLoss::Reject).unwrap();
    }
}

/// PostgreSQL prepares a message only if it holds a single statement.
#[test]
fn every_message_holds_one_statement() {
    let (socket, database) = with_socket();
    let migrated = dump(&database);
    let proxy = Proxy::start(&socket, Cut::Never);
    let mut conn = proxy.connect(database.name());
    proxy.arm();
    revert_to(&mut conn, None, DataLoss::Reject).unwrap();
    run(&mut conn).unwrap();
    mailglass::migrations::redo(&mut conn, DataLoss::Reject).unwrap();
    assert_eq!(dump(&database), migrated);
    let queries = proxy.queries();
    assert!(queries.len() > 3 * FILES.len(), "{queries:?}");
    let mut other = connect(&database);
    for query in queries {
        let prepared = sql_query(query.clone()).execute(&mut other);
        assert!(prepared.is_ok(), "{query}: {prepared:?}");
    }
    assert_eq!(dump(&database), migrated, "the recorded statements are complete");
}

#[test]
fn a_role_with_the_grants_can_run_and_list_if_nothing_is_pending() {
    let (database, mut owner) = connected();
    let role = Role::create(&database);
    for statement in roles::statements(&mut owner, &role.name, Access::App).unwrap() {
        role.execute(&statement);
    }
    let mut app = role.connect();
    assert_eq!(run(&mut app).unwrap(), [""; 0]);
    assert!(list(&mut app).unwrap().iter().all(|listed| listed.is_applied));
    delivery(&mut app);
}

#[test]
fn a_missing_right_is_named() {
    let (database, mut owner) = connected();
    let role = Role::create(&database);
    role.execute(&format!("GRANT USAGE ON SCHEMA public TO {}", role.quoted()));
    let mut app = role.connect();
    let versions = "SELECT on table __diesel_schema_migrations";
    for error in [run(&mut app).unwrap_err(), list(&mut app).unwrap_err()] {
        assert!(error.is_migration());
        assert!(error.to_string().contains(versions), "{error}");
    }

    for statement in roles::statements(&mut owner, &role.name, Access::App).unwrap() {
        role.execute(&statement);
    }
    revert_to(&mut owner, Some(FILES[3].version), DataLoss::Reject).unwrap();
    let error = run(&mut app).unwrap_err();
    assert!(error.is_migration());
    for right in [
        "INSERT on table public.__diesel_schema_migrations",
        "CREATE on schema public",
        "ownership of table public.mailglass_events",
    ] {
        assert!(error.to_string().contains(right), "{error}");
    }
    run(&mut owner).unwrap();
    let error = revert_to(&mut app, Some(FILES[3].version), DataLoss::Reject).unwrap_err();
    assert!(error.is_migration());
    for right in [
        "DELETE on table public.__diesel",
        "ownership of table public.mailglass_event_links",
    ] {
        assert!(error.to_string().contains(right), "{error}");
    }

    let empty = server().database().unwrap();
    let role = Role::create(&empty);
    let error = run(&mut role.connect()).unwrap_err().to_string();
    assert!(error.contains("CREATE on schema public"), "{error}");
    role.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    let error = run(&mut role.connect()).unwrap_err().to_string();
    assert!(error.contains("USAGE and CREATE on a schema of search_path"), "{error}");
}

#[test]
fn every_table_column_and_type_has_a_comment() {
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
fn check_constraints_reject_invalid_rows_of_deliveries() {
    let (_database, mut conn) = connected();
    delivery(&mut conn);
    let cases = [
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
    for (change, constraint) in cases {
        let update = sql_query(format!("UPDATE mailglass_deliveries SET {change}"));
        let error = database_error(update.execute(&mut conn).expect_err(change));
        let expected = format!("mailglass_deliveries_{constraint}");
        assert_eq!(error.constraint_name(), Some(expected.as_str()), "{change}");
    }
}
