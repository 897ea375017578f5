//! The health check: a migrated database differs in nothing, and one that was tampered with in exactly what was done.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::contract::{ObjectKind, verify};

use crate::support::{connect, connected, server};

/// What `verify` says after some statements: kind, object, and whether something is missing (`-`), is there unasked (`+`, or
/// `(+)` if it is harmless) or has changed (`~`).
fn after(sql: &str) -> Vec<String> {
    let (_database, mut conn) = connected();
    conn.batch_execute(sql).unwrap();
    let differences = verify(&mut conn).unwrap();
    let mut seen: Vec<String> = (differences.iter())
        .map(|it| {
            let sign = match (&it.expected, &it.found) {
                (Some(_), None) => "-",
                (None, Some(_)) if it.is_harmless => "(+)",
                (None, Some(_)) => "+",
                _ => "~",
            };
            format!("{sign} {:?} {}", it.kind, it.object)
        })
        .collect();
    seen.sort();
    seen
}

#[test]
fn a_migrated_database_is_as_expected() {
    assert_eq!(after("SELECT 1"), [""; 0]);
}

#[test]
fn every_way_to_tamper_with_a_database_is_seen() {
    let cases: &[(&str, &[&str])] = &[
        // Labels.
        ("ALTER TYPE mailglass_stream ADD VALUE 'junk' BEFORE 'bulk'", &["+ Label mailglass_stream.junk"]),
        (
            "ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'mass'",
            &["+ Label mailglass_stream.mass", "- Label mailglass_stream.bulk"],
        ),
        (
            "ALTER TYPE mailglass_stream RENAME VALUE 'bulk' TO 'x';
             ALTER TYPE mailglass_stream RENAME VALUE 'operational' TO 'bulk';
             ALTER TYPE mailglass_stream RENAME VALUE 'x' TO 'operational'",
            &["~ Type mailglass_stream"],
        ),
        (
            "DROP TYPE mailglass_reject_reason CASCADE",
            &["- Column mailglass_events.reject_reason", "- Type mailglass_reject_reason"],
        ),
        // Tables: what a missing one would hold is not listed.
        ("DROP TABLE mailglass_event_links", &["- Table mailglass_event_links"]),
        ("ALTER TABLE mailglass_events SET UNLOGGED", &["~ Table mailglass_events"]),
        ("ALTER TABLE mailglass_events ENABLE ROW LEVEL SECURITY", &["~ Table mailglass_events"]),
        // Columns.
        ("ALTER TABLE mailglass_events DROP COLUMN trace_id", &["- Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN trace_id SET NOT NULL", &["~ Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN inserted_at DROP DEFAULT", &["~ Column mailglass_events.inserted_at"]),
        ("ALTER TABLE mailglass_events ALTER COLUMN trace_id TYPE varchar(10)", &["~ Column mailglass_events.trace_id"]),
        ("ALTER TABLE mailglass_deliveries ADD COLUMN note text", &["(+) Column mailglass_deliveries.note"]),
        (
            "ALTER TABLE mailglass_deliveries ADD COLUMN note text NOT NULL",
            &["+ Column mailglass_deliveries.note"],
        ),
        // Constraints.
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_metadata_is_object",
            &["- Constraint mailglass_events.mailglass_events_metadata_is_object"],
        ),
        (
            "ALTER TABLE mailglass_events ADD CONSTRAINT to_delivery FOREIGN KEY (delivery_id) REFERENCES mailglass_deliveries",
            &["+ Constraint mailglass_events.to_delivery"],
        ),
        // Indexes.
        (
            "DROP INDEX mailglass_events_idempotency_key_idx",
            &["- Index mailglass_events.mailglass_events_idempotency_key_idx"],
        ),
        (
            "DROP INDEX mailglass_events_idempotency_key_idx;
             CREATE UNIQUE INDEX mailglass_events_idempotency_key_idx ON mailglass_events (idempotency_key)",
            &["~ Index mailglass_events.mailglass_events_idempotency_key_idx"],
        ),
        (
            "DROP INDEX mailglass_events_tenant_recent_idx;
             CREATE INDEX mailglass_events_tenant_recent_idx ON mailglass_events (tenant_id, inserted_at)",
            &["~ Index mailglass_events.mailglass_events_tenant_recent_idx"],
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mailglass_events_delivery_idx'::regclass",
            &["~ Index mailglass_events.mailglass_events_delivery_idx"],
        ),
        ("CREATE INDEX of_ours ON mailglass_events (trace_id)", &["(+) Index mailglass_events.of_ours"]),
        ("CREATE UNIQUE INDEX of_ours ON mailglass_events (trace_id)", &["+ Index mailglass_events.of_ours"]),
        // The guard: there, awake, its own function.
        (
            "DROP TRIGGER mailglass_events_immutable_trigger ON mailglass_events",
            &["- Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events DISABLE TRIGGER mailglass_events_immutable_statement_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_statement_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events ENABLE TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "ALTER TABLE mailglass_events ENABLE REPLICA TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE OR REPLACE TRIGGER mailglass_events_immutable_trigger BEFORE UPDATE OR DELETE ON mailglass_events
                 FOR EACH ROW EXECUTE FUNCTION nothing();
             ALTER TABLE mailglass_events ENABLE ALWAYS TRIGGER mailglass_events_immutable_trigger",
            &["~ Trigger mailglass_events.mailglass_events_immutable_trigger"],
        ),
        (
            "CREATE OR REPLACE FUNCTION mailglass_raise_immutability() RETURNS trigger LANGUAGE plpgsql
                 SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'",
            &["~ Function mailglass_raise_immutability"],
        ),
        (
            "ALTER FUNCTION mailglass_raise_immutability() RESET search_path",
            &["~ Function mailglass_raise_immutability"],
        ),
        (
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''e'', ''''); RETURN NULL; END';
             CREATE TRIGGER tell AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE TRIGGER swallow BEFORE INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell()",
            &["(+) Trigger mailglass_events.tell", "+ Trigger mailglass_events.swallow"],
        ),
        // A rule goes before any trigger.
        (
            "CREATE RULE quiet AS ON UPDATE TO mailglass_events DO INSTEAD NOTHING",
            &["+ Rule mailglass_events.quiet"],
        ),
        // Several at once.
        (
            "DROP INDEX mailglass_events_tenant_recent_idx; ALTER TYPE mailglass_stream ADD VALUE 'junk'",
            &["+ Label mailglass_stream.junk", "- Index mailglass_events.mailglass_events_tenant_recent_idx"],
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(after(sql), *expected, "after {sql}");
    }
}

#[test]
fn a_difference_says_what_is_expected_and_what_is_there() {
    let (_database, mut conn) = connected();
    conn.batch_execute("ALTER TABLE mailglass_events DISABLE TRIGGER mailglass_events_immutable_trigger")
        .unwrap();
    let differences = verify(&mut conn).unwrap();
    let definition =
        "BEFORE DELETE OR UPDATE ON mailglass_events FOR EACH ROW EXECUTE FUNCTION mailglass_raise_immutability()";
    let (kind, object) = (
        ObjectKind::Trigger,
        "mailglass_events.mailglass_events_immutable_trigger",
    );
    assert_eq!((differences[0].kind, differences[0].object.as_str()), (kind, object));
    assert_eq!(
        differences[0].to_string(),
        format!("trigger {object} is `{definition} DISABLED`, not `{definition} ENABLE ALWAYS`")
    );
    let json = serde_json::to_value(&differences[0]).unwrap();
    assert_eq!(
        (&json["kind"], &json["is_harmless"]),
        (&"trigger".into(), &false.into())
    );
}

#[test]
fn a_database_without_our_tables_lacks_types_tables_and_the_guards_function() {
    let empty = server().database().unwrap();
    let differences = verify(&mut connect(&empty)).unwrap();
    assert!(differences.iter().all(|it| it.found.is_none()));
    let mut kinds: Vec<ObjectKind> = differences.iter().map(|it| it.kind).collect();
    kinds.sort();
    let count = |kind| kinds.iter().filter(|it| **it == kind).count();
    assert_eq!(
        (
            count(ObjectKind::Type),
            count(ObjectKind::Table),
            count(ObjectKind::Function)
        ),
        (4, 3, 3)
    );
    assert_eq!(kinds.len(), 10);
}

/// Whichever schema it is: also where another schema of the same database has tables of the same names.
#[test]
fn it_looks_where_the_connections_search_path_looks() {
    let (_database, mut conn) = connected();
    conn.batch_execute("CREATE SCHEMA \"our Mail\"; SET search_path = \"our Mail\", public")
        .unwrap();
    conn.batch_execute("CREATE TABLE mailglass_event_links ()").unwrap();
    let differences = verify(&mut conn).unwrap();
    assert!(!differences.is_empty());
    assert!(
        differences
            .iter()
            .all(|it| it.object.starts_with("mailglass_event_links.")),
        "{differences:?}"
    );
    conn.batch_execute("DROP TABLE mailglass_event_links; SET search_path = \"our Mail\"")
        .unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    assert_eq!(verify(&mut conn).unwrap(), []);
    conn.batch_execute("DROP TRIGGER mailglass_events_immutable_trigger ON public.mailglass_events")
        .unwrap();
    assert_eq!(verify(&mut conn).unwrap(), []);
}

/// The names that the manifest promises are those that are there, both ways.
#[test]
fn the_promised_names_are_those_of_the_database() {
    let (_database, mut conn) = connected();
    let there: Vec<String> = diesel::sql_query(
        "SELECT CASE relkind WHEN 'r' THEN 'table' ELSE 'index' END || ' ' || relname AS name
         FROM pg_class
         WHERE relname LIKE 'mailglass\\_%' AND relkind IN ('r', 'i') AND relname NOT LIKE '%\\_pkey'
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    .load::<Name>(&mut conn)
    .unwrap()
    .into_iter()
    .map(|it| it.name)
    .chain(["sqlstate 45A01".to_owned()]) // tests/integration/guard.rs has it raised
    .collect();
    let promised = mailglass::contract::NAMES.iter().filter(|it| it.removed.is_none());
    let mut promised: Vec<String> = promised.map(|it| format!("{} {}", it.kind, it.name)).collect();
    let mut there = there;
    there.sort();
    promised.sort();
    assert_eq!(promised, there);
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}
