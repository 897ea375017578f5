//! `contract::verify` reports exactly the differences between a database and the migrated schema.

mod added_objects;
mod changed_objects;
mod name_lookup;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use mailglass::contract::{ObjectKind, verify};

use crate::support::{connect, connected, server};

/// The differences that `verify` reports after some statements, each with its kind and object, and a sign: `-` for a missing
/// object, `+` for an additional one, `~` for a changed one. The sign of a harmless difference is in parentheses.
fn differences_after(sql: &str) -> Vec<String> {
    let (_database, mut conn) = connected();
    conn.batch_execute(sql).unwrap();
    let differences = verify(&mut conn).unwrap();
    let mut reported: Vec<String> = (differences.iter())
        .map(|difference| {
            let sign = match (&difference.expected, &difference.found) {
                (Some(_), None) => "-",
                (None, Some(_)) if difference.is_harmless => "(+)",
                (None, Some(_)) => "+",
                _ if difference.is_harmless => "(~)",
                _ => "~",
            };
            format!("{sign} {:?} {}", difference.kind, difference.object)
        })
        .collect();
    reported.sort();
    reported
}

/// Asserts that `verify` reports exactly these differences after each of these statements. Fails with all wrong cases at
/// once.
fn assert_reported(cases: &[(&str, &[&str])]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(sql, expected)| {
            let found = differences_after(sql);
            (found != *expected).then(|| format!("after {sql}\n  expected {expected:?}\n  found    {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_migrated_database_has_no_differences() {
    assert_eq!(differences_after("SELECT 1"), [""; 0]);
}

#[test]
fn an_additional_object_is_reported_with_what_to_do() {
    let (_database, mut conn) = connected();
    conn.batch_execute("CREATE TABLE child () INHERITS (mailglass_events)")
        .unwrap();
    let differences = verify(&mut conn).unwrap();
    assert_eq!(
        differences[0].to_string(),
        "inheritance mailglass_events.child is unexpected: `child inherits from mailglass_events, without \
         mailglass_events_await_reconciliation_trigger, mailglass_events_immutable_statement_trigger, \
         mailglass_events_immutable_trigger`; \
         detach it with ALTER TABLE … NO INHERIT or DETACH PARTITION"
    );
}

/// `verify` changes settings while it reads the catalog.
#[test]
fn verify_restores_the_settings_of_the_session() {
    let (_database, mut conn) = connected();
    conn.batch_execute("SET search_path = public, pg_catalog; SET quote_all_identifiers = on")
        .unwrap();
    let settings = "current_setting('search_path') || ' ' || current_setting('quote_all_identifiers')";
    let settings =
        |conn: &mut PgConnection| -> String { diesel::select(sql::<Text>(settings)).get_result(conn).unwrap() };
    let before = settings(&mut conn);
    verify(&mut conn).unwrap();
    assert_eq!(settings(&mut conn), before);
    conn.transaction::<_, diesel::result::Error, _>(|conn| {
        conn.batch_execute("CREATE INDEX of_ours ON mailglass_events (trace_id)")?;
        assert_eq!(verify(conn).unwrap().len(), 2);
        assert_eq!(settings(conn), before);
        Ok(())
    })
    .unwrap();
    assert_eq!(verify(&mut conn).unwrap().len(), 2, "the caller's index is kept");
}

#[test]
fn a_changed_object_is_reported_as_expected_and_as_found() {
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
fn an_empty_database_lacks_types_tables_and_functions() {
    let empty = server().database().unwrap();
    let differences = verify(&mut connect(&empty)).unwrap();
    assert!(differences.iter().all(|difference| difference.found.is_none()));
    let kinds: Vec<ObjectKind> = differences.iter().map(|difference| difference.kind).collect();
    let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
    assert_eq!(
        (
            count(ObjectKind::Type),
            count(ObjectKind::Table),
            count(ObjectKind::Function)
        ),
        (6, 8, 3)
    );
    assert_eq!(kinds.len(), 17);
}

/// Another schema of the same database may have tables of the same names.
#[test]
fn verify_reads_the_schema_that_search_path_finds() {
    let (_database, mut conn) = connected();
    conn.batch_execute("CREATE SCHEMA \"our Mail\"; SET search_path = \"our Mail\", public")
        .unwrap();
    conn.batch_execute("CREATE TABLE mailglass_event_links ()").unwrap();
    let differences = verify(&mut conn).unwrap();
    assert!(!differences.is_empty());
    assert!(
        differences
            .iter()
            .all(|difference| difference.object.starts_with("mailglass_event_links.")),
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

#[test]
fn the_promised_names_are_exactly_those_of_the_database() {
    let (_database, mut conn) = connected();
    let mut found: Vec<String> = diesel::sql_query(
        "SELECT CASE relkind WHEN 'r' THEN 'table' ELSE 'index' END || ' ' || relname AS name
         FROM pg_class
         WHERE relname LIKE 'mailglass\\_%' AND relkind IN ('r', 'i') AND relname NOT LIKE '%\\_pkey'
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    .load::<Name>(&mut conn)
    .unwrap()
    .into_iter()
    .map(|row| row.name)
    .chain(["sqlstate 45A01".to_owned()]) // guard.rs tests that it is raised
    .collect();
    let promised = mailglass::contract::NAMES.iter().filter(|name| name.removed.is_none());
    let mut promised: Vec<String> = promised.map(|name| format!("{} {}", name.kind, name.name)).collect();
    found.sort();
    promised.sort();
    assert_eq!(promised, found);
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}
