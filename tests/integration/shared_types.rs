//! Several schemas on one server, each with its own tables, that share the enum types of another schema.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use mailglass::migrations::{DataLoss, FILES, list, redo, revert_to, run, run_types};
use mailglass::roles::{self, Access};
use mailglass::{Delivery, EventType, contract, ledger};
use scratch_postgres::Database;

use crate::support::every_call::every_call;
use crate::support::{TENANT, connect, count_events, delivery, event, insert, reload, server, sweep_now, to};

const GROUPS: [&str; 2] = ["group_a", "group_b"];

fn select(conn: &mut PgConnection, schema: &str) {
    conn.batch_execute(&format!("SET search_path = {schema}, mail_types"))
        .unwrap();
}

/// A database with the types in `mail_types` and the tables in each group's schema.
fn two_groups() -> (Database, PgConnection) {
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    conn.batch_execute(
        "CREATE SCHEMA mail_types; CREATE SCHEMA group_a; CREATE SCHEMA group_b; SET search_path = mail_types",
    )
    .unwrap();
    assert_eq!(run_types(&mut conn).unwrap(), [FILES[0].version]);
    assert_eq!(run_types(&mut conn).unwrap(), [""; 0]);
    for group in GROUPS {
        select(&mut conn, group);
        assert_eq!(run(&mut conn).unwrap().len(), FILES.len(), "{group}");
        assert_eq!(run(&mut conn).unwrap(), [""; 0], "{group}");
    }
    (database, conn)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    object: String,
}

/// The schema and the name of each type, table and function of ours.
fn objects(conn: &mut PgConnection) -> Vec<String> {
    let ours = "SELECT object FROM (
             SELECT typnamespace::regnamespace || '.' || typname AS object FROM pg_type WHERE typtype = 'e'
             UNION ALL
             SELECT relnamespace::regnamespace || '.' || relname FROM pg_class
             WHERE relkind = 'r' AND (relname LIKE 'mailglass%' OR relname LIKE '\\_\\_diesel%')
             UNION ALL
             SELECT pronamespace::regnamespace || '.' || proname FROM pg_proc WHERE proname LIKE 'mailglass%'
         ) AS ours
         ORDER BY object COLLATE \"C\"";
    let found: Vec<Named> = sql_query(ours).load(conn).unwrap();
    found.into_iter().map(|named| named.object).collect()
}

#[test]
fn the_types_exist_once_and_everything_else_in_each_schema() {
    let (_database, mut conn) = two_groups();
    let in_each = [
        "__diesel_schema_migrations",
        "mailglass_await_reconciliation",
        "mailglass_deliveries",
        "mailglass_erasures",
        "mailglass_event_details",
        "mailglass_event_links",
        "mailglass_events",
        "mailglass_outbox",
        "mailglass_outbox_usage",
        "mailglass_raise_immutability",
        "mailglass_raise_link_is_final",
        "mailglass_suppressions",
    ];
    let of_groups = GROUPS
        .iter()
        .flat_map(|group| in_each.map(|name| format!("{group}.{name}")));
    let types = [
        "__diesel_schema_migrations",
        "mailglass_delivery_status",
        "mailglass_event_type",
        "mailglass_reject_reason",
        "mailglass_stream",
        "mailglass_suppression_reason",
        "mailglass_suppression_scope",
    ];
    let expected: Vec<String> = of_groups
        .chain(types.map(|name| format!("mail_types.{name}")))
        .collect();
    assert_eq!(objects(&mut conn), expected);
}

/// Diesel caches the OIDs of enum types, and PostgreSQL the plans of prepared statements.
#[test]
fn one_connection_switches_between_the_schemas_and_makes_every_call() {
    let (_database, mut conn) = two_groups();
    let conn = &mut conn;
    let results = GROUPS.map(|group| {
        select(conn, group);
        assert_eq!(contract::verify(conn).unwrap(), [], "{group}");
        every_call(conn).unwrap()
    });
    assert_eq!(results[0], results[1]);

    let counts = GROUPS.map(|group| {
        select(conn, group);
        count_events(conn)
    });
    for round in 1..=3 {
        for (group, before) in GROUPS.iter().zip(counts) {
            select(conn, group);
            // The key is the same in both schemas.
            let ann = to("ann@example.com").idempotency_key(format!("round-{round}"));
            let inserted = insert(conn, &ann.provider("ses").provider_message_id(format!("m-{round}")));
            let delivered = event(EventType::Delivered, 5).delivery(inserted.id);
            let early = event(EventType::Opened, 6).provider_message("ses", format!("early-{round}"));
            ledger::record(conn, &[delivered, early]).unwrap();
            insert(
                conn,
                &to("bob@example.com")
                    .provider("ses")
                    .provider_message_id(format!("early-{round}")),
            );
            assert_eq!(sweep_now(conn).linked, 1);
            assert_eq!(reload(conn, &inserted).last_event_type, EventType::Delivered);
            assert_eq!(inserted.timeline(conn).unwrap().len(), 2);
            assert_eq!(count_events(conn), before + round * 4);
        }
    }
    let ann = delivery(conn);
    select(conn, "group_a");
    assert!(Delivery::find(conn, TENANT, ann.id).unwrap_err().is_not_found());
    let guarded = sql_query("TRUNCATE mailglass_events").execute(conn).unwrap_err();
    assert!(mailglass::Error::from(guarded).is_ledger_immutable());
}

#[test]
fn a_revert_drops_the_tables_of_its_schema_and_no_types() {
    let (_database, mut conn) = two_groups();
    let conn = &mut conn;
    let before = objects(conn);
    select(conn, "group_b");
    let kept = delivery(conn);
    select(conn, "group_a");
    delivery(conn);
    assert!(
        revert_to(conn, None, DataLoss::Reject)
            .unwrap_err()
            .is_would_lose_data()
    );
    assert_eq!(objects(conn), before);
    assert_eq!(revert_to(conn, None, DataLoss::Accept).unwrap().len(), FILES.len());
    let left: Vec<String> = before
        .iter()
        .filter(|object| !object.starts_with("group_a.mailglass"))
        .cloned()
        .collect();
    assert_eq!(objects(conn), left);

    select(conn, "group_b");
    assert_eq!(kept.timeline(conn).unwrap().len(), 1);
    assert_eq!(contract::verify(conn).unwrap(), []);
    select(conn, "group_a");
    assert_eq!(run(conn).unwrap().len(), FILES.len());
    assert_eq!(objects(conn), before);
    // Down to the migration of the types, and that one again.
    revert_to(conn, Some(FILES[0].version), DataLoss::Reject).unwrap();
    assert_eq!(redo(conn, DataLoss::Reject).unwrap().as_deref(), Some(FILES[0].version));
    run(conn).unwrap();
    assert_eq!(objects(conn), before);
}

#[test]
fn types_that_tables_use_are_not_reverted() {
    let (_database, mut conn) = two_groups();
    let conn = &mut conn;
    let before = objects(conn);
    conn.batch_execute("SET search_path = mail_types").unwrap();
    let refused = revert_to(conn, None, DataLoss::Accept).unwrap_err();
    assert!(refused.is_migration(), "{refused:?}");
    assert_eq!(objects(conn), before);
    for group in GROUPS {
        select(conn, group);
        revert_to(conn, None, DataLoss::Reject).unwrap();
    }
    conn.batch_execute("SET search_path = mail_types").unwrap();
    assert_eq!(revert_to(conn, None, DataLoss::Reject).unwrap(), [FILES[0].version]);
    assert!(
        objects(conn)
            .iter()
            .all(|object| object.ends_with(".__diesel_schema_migrations"))
    );
}

/// Once the tables of the first schema are dropped, `search_path` finds those of the other one.
#[test]
fn rows_are_counted_even_if_search_path_has_other_tables() {
    let (_database, mut conn) = two_groups();
    let conn = &mut conn;
    conn.batch_execute("SET search_path = mail_types").unwrap();
    assert_eq!(run(conn).unwrap().len(), FILES.len() - 1);
    select(conn, "group_a");
    delivery(conn);
    let refused = revert_to(conn, None, DataLoss::Reject).unwrap_err();
    assert!(refused.is_would_lose_data(), "{refused:?}");
    assert_eq!(count_events(conn), 1);
}

#[test]
fn types_with_other_labels_are_refused_and_nothing_is_created() {
    let cases = [
        (
            "ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'mass'",
            "Stream (mailglass_stream): `bulk` is missing; `mass` is not one of its labels",
        ),
        (
            "ALTER TYPE mailglass_event_type ADD VALUE 'parked'",
            "EventType (mailglass_event_type): `parked` is not one of its labels",
        ),
        (
            "DROP TYPE mailglass_reject_reason",
            "type mailglass_reject_reason is missing",
        ),
    ];
    for (change, expected) in cases {
        let database = server().database().unwrap();
        let mut conn = connect(&database);
        let conn = &mut conn;
        conn.batch_execute("CREATE SCHEMA mail_types; CREATE SCHEMA group_a; SET search_path = mail_types")
            .unwrap();
        run_types(conn).unwrap();
        conn.batch_execute(change).unwrap();
        let before = objects(conn);
        select(conn, "group_a");
        let refused = run(conn).unwrap_err();
        assert!(refused.is_migration(), "{refused:?}");
        let message = refused.to_string();
        assert!(message.contains(expected), "{message}");
        for part in ["create_closed_sets", "schema mail_types", "`migrations::run_types`"] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(objects(conn), before, "{change}");
    }
}

/// A later release adds a label: `run_types` in the schema of the types, then `run` in each of the others.
#[test]
fn a_pending_migration_of_the_types_is_recorded_once_the_types_are_those_of_this_release() {
    let (_database, mut conn) = two_groups();
    let conn = &mut conn;
    let version = FILES[0].version;
    // Pretend that the schema has the tables of an earlier release, whose types lacked a label.
    let before_the_release = format!(
        "DELETE FROM __diesel_schema_migrations WHERE version = '{version}';
         ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'mass'"
    );
    select(conn, "group_a");
    conn.batch_execute(&before_the_release).unwrap();
    assert!(run(conn).unwrap_err().is_migration());
    assert!(!list(conn).unwrap()[0].is_applied);

    conn.batch_execute("ALTER TYPE mailglass_stream RENAME VALUE 'mass' TO 'bulk'")
        .unwrap();
    assert_eq!(run(conn).unwrap(), [version]);
    assert_eq!(contract::verify(conn).unwrap(), []);
}

#[test]
fn a_role_with_the_grants_can_use_the_types() {
    let (database, mut owner) = two_groups();
    let role = format!("app_{}", uuid::Uuid::now_v7().simple());
    sql_query(format!("CREATE ROLE {role}")).execute(&mut owner).unwrap();
    for group in GROUPS {
        select(&mut owner, group);
        for statement in roles::statements(&mut owner, &role, Access::App).unwrap() {
            sql_query(statement).execute(&mut owner).unwrap();
        }
    }
    let mut app = connect(&database);
    sql_query(format!("SET ROLE {role}")).execute(&mut app).unwrap();
    for group in GROUPS {
        select(&mut app, group);
        assert_eq!(run(&mut app).unwrap(), [""; 0]);
        assert!(list(&mut app).unwrap().iter().all(|listed| listed.is_applied));
        delivery(&mut app);
    }
    owner
        .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .unwrap();
}
