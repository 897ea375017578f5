//! The health check: a migrated database differs in nothing, and one that was tampered with in exactly what was done.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use mailglass::contract::{ObjectKind, verify};

use crate::support::{connect, connected, server};

/// What `verify` says after some statements: kind, object, and whether something is missing (`-`), is there unasked (`+`, or
/// `(+)` if it is harmless) or has changed (`~`, `(~)`).
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
                _ if it.is_harmless => "(~)",
                _ => "~",
            };
            format!("{sign} {:?} {}", it.kind, it.object)
        })
        .collect();
    seen.sort();
    seen
}

/// Each of these statements has these differences and no others. All that went wrong is reported at once.
fn assert_seen(cases: &[(&str, &[&str])]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(sql, expected)| {
            let seen = after(sql);
            (seen != *expected).then(|| format!("after {sql}\n  expected {expected:?}\n  but saw  {seen:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_migrated_database_is_as_expected() {
    assert_eq!(after("SELECT 1"), [""; 0]);
}

#[test]
fn every_way_to_tamper_with_a_database_is_seen() {
    assert_seen(&[
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
            &["+ Trigger mailglass_events.swallow", "+ Trigger mailglass_events.tell"],
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
    ]);
}

#[test]
fn what_else_changes_a_table_is_seen() {
    assert_seen(&[
        ("ALTER TABLE mailglass_events REPLICA IDENTITY FULL", &[]),
        ("ALTER TABLE mailglass_deliveries REPLICA IDENTITY NOTHING", &[]),
        // An UPDATE of a published table without an identity is refused.
        (
            "ALTER TABLE mailglass_deliveries REPLICA IDENTITY NOTHING; CREATE PUBLICATION everything FOR ALL TABLES",
            &["~ Table mailglass_deliveries"],
        ),
        (
            "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
             CREATE TABLE copy (LIKE mailglass_event_links INCLUDING ALL) USING other;
             DROP TABLE mailglass_event_links;
             ALTER TABLE copy RENAME TO mailglass_event_links;
             ALTER INDEX copy_pkey RENAME TO mailglass_event_links_pkey;
             ALTER INDEX copy_checked_at_idx RENAME TO mailglass_event_links_pending_idx;
             ALTER INDEX copy_tenant_id_checked_at_idx RENAME TO mailglass_event_links_tenant_pending_idx;
             ALTER INDEX copy_delivery_id_idx RENAME TO mailglass_event_links_delivery_idx;
             ALTER INDEX copy_tenant_id_expired_at_idx RENAME TO mailglass_event_links_expired_idx;
             ALTER INDEX copy_tenant_id_event_id_idx RENAME TO mailglass_event_links_unread_idx;
             CREATE TRIGGER mailglass_event_links_final_trigger
                 BEFORE UPDATE ON mailglass_event_links FOR EACH ROW
                 WHEN (OLD.delivery_id IS NOT NULL AND (OLD.event_id, OLD.tenant_id, OLD.delivery_id)
                       IS DISTINCT FROM (NEW.event_id, NEW.tenant_id, NEW.delivery_id))
                 EXECUTE FUNCTION mailglass_raise_link_is_final();
             ALTER TABLE mailglass_event_links ENABLE ALWAYS TRIGGER mailglass_event_links_final_trigger",
            &["~ Table mailglass_event_links"],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_events); CREATE TABLE grandchild () INHERITS (child)",
            &[
                "+ Inheritance mailglass_events.child",
                "+ Inheritance mailglass_events.grandchild",
            ],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_deliveries)",
            &["+ Inheritance mailglass_deliveries.child"],
        ),
        (
            "CREATE TABLE child () INHERITS (mailglass_event_links)",
            &["+ Inheritance mailglass_event_links.child"],
        ),
        (
            "CREATE TABLE parent (tenant_id text); ALTER TABLE mailglass_events INHERIT parent",
            &["+ Inheritance mailglass_events.parent"],
        ),
        (
            "CREATE TABLE parent (LIKE mailglass_events) PARTITION BY LIST (tenant_id);
             ALTER TABLE parent ATTACH PARTITION mailglass_events FOR VALUES IN ('acme')",
            &["+ Inheritance mailglass_events.parent"],
        ),
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_metadata_is_object;
             ALTER TABLE mailglass_events ADD CONSTRAINT mailglass_events_metadata_is_object
                 CHECK (jsonb_typeof(metadata) = 'object') NOT VALID",
            &["~ Constraint mailglass_events.mailglass_events_metadata_is_object"],
        ),
        (
            "ALTER TABLE mailglass_events DROP CONSTRAINT mailglass_events_pkey;
             ALTER TABLE mailglass_events ADD CONSTRAINT mailglass_events_pkey PRIMARY KEY (id) DEFERRABLE",
            &["~ Constraint mailglass_events.mailglass_events_pkey"],
        ),
        // A table of the host's may reference ours.
        (
            "CREATE TABLE messages (delivery_id uuid REFERENCES mailglass_deliveries ON DELETE CASCADE)",
            &[],
        ),
        // What fires can raise. What is disabled can't.
        (
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER enabled AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE TRIGGER disabled AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION tell();
             ALTER TABLE mailglass_events DISABLE TRIGGER disabled;
             CREATE RULE quiet AS ON UPDATE TO mailglass_event_links DO INSTEAD NOTHING;
             ALTER TABLE mailglass_event_links DISABLE RULE quiet",
            &[
                "(+) Rule mailglass_event_links.quiet",
                "(+) Trigger mailglass_events.disabled",
                "+ Trigger mailglass_events.enabled",
            ],
        ),
    ]);
}

/// A key that is compared by another collation may be another key.
#[test]
fn a_collation_that_is_not_the_databases_is_seen() {
    assert_seen(&[
        (
            "ALTER TABLE mailglass_deliveries ALTER COLUMN tenant_id TYPE text COLLATE \"C\"",
            &["~ Column mailglass_deliveries.tenant_id"],
        ),
        (
            "CREATE COLLATION of_ours FROM \"C\";
             ALTER TABLE mailglass_events ALTER COLUMN idempotency_key TYPE text COLLATE of_ours",
            &["~ Column mailglass_events.idempotency_key"],
        ),
    ]);
}

/// A further column is harmless if an INSERT that doesn't name it can't fail.
#[test]
fn a_further_column_that_can_fail_an_insert_is_seen() {
    assert_seen(&[
        (
            "ALTER TABLE mailglass_deliveries
                 ADD COLUMN a uuid DEFAULT gen_random_uuid(),
                 ADD COLUMN b timestamptz NOT NULL DEFAULT now(),
                 ADD COLUMN c text NOT NULL DEFAULT 'none',
                 ADD COLUMN d bigint GENERATED ALWAYS AS IDENTITY",
            &[
                "(+) Column mailglass_deliveries.a",
                "(+) Column mailglass_deliveries.b",
                "(+) Column mailglass_deliveries.c",
                "(+) Column mailglass_deliveries.d",
            ],
        ),
        (
            "CREATE DOMAIN filled AS text NOT NULL;
             CREATE FUNCTION fails() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
             ALTER TABLE mailglass_deliveries
                 ADD COLUMN a filled,
                 ADD COLUMN b integer,
                 ADD COLUMN c integer GENERATED ALWAYS AS (1 / lock_version) STORED,
                 ALTER COLUMN b SET DEFAULT fails()",
            &[
                "+ Column mailglass_deliveries.a",
                "+ Column mailglass_deliveries.b",
                "+ Column mailglass_deliveries.c",
            ],
        ),
        // Names that our statements give to columns of their own, beside `SELECT *`.
        (
            "ALTER TABLE mailglass_event_links ADD COLUMN candidates text",
            &["+ Column mailglass_event_links.candidates"],
        ),
        (
            "ALTER TABLE mailglass_events ADD COLUMN timeline_of text",
            &["+ Column mailglass_events.timeline_of"],
        ),
    ]);
}

/// An index that calls a function can fail, and with it the INSERT.
#[test]
fn a_further_index_that_can_fail_an_insert_is_seen() {
    assert_seen(&[
        (
            "CREATE INDEX of_ours ON mailglass_events (lower(trace_id))",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (((metadata->>'n')::integer))",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (id) WHERE (trace_id::integer > 0)",
            &["+ Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_events (id)
                 WHERE type = 'bounced' AND trace_id IS NOT NULL AND NOT needs_reconciliation AND tenant_id <> 'acme'",
            &["(+) Index mailglass_events.of_ours"],
        ),
        (
            "CREATE INDEX of_ours ON mailglass_deliveries (id) WHERE status IN ('queued', 'failed')",
            &["(+) Index mailglass_deliveries.of_ours"],
        ),
        // Tuned, not changed.
        (
            "ALTER INDEX mailglass_events_needs_reconcile_idx SET (fillfactor = 80)",
            &[],
        ),
    ]);
}

/// With an implicit cast to text, `type = 'bounced'` is "operator is not unique".
#[test]
fn casts_of_our_types_are_seen() {
    assert_seen(&[
        (
            "CREATE CAST (mailglass_event_type AS text) WITH INOUT AS IMPLICIT",
            &["+ Cast mailglass_event_type AS text"],
        ),
        (
            "CREATE CAST (text AS mailglass_delivery_status) WITH INOUT",
            &["+ Cast text AS mailglass_delivery_status"],
        ),
        (
            "CREATE FUNCTION said(mailglass_stream[]) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text';
             CREATE CAST (mailglass_stream[] AS text) WITH FUNCTION said(mailglass_stream[]) AS ASSIGNMENT",
            &["+ Cast mailglass_stream[] AS text"],
        ),
        (
            "CREATE TYPE stream AS ENUM ('bulk');
             CREATE CAST (stream AS mailglass_stream) WITH INOUT AS ASSIGNMENT;
             CREATE CAST (stream AS text) WITH INOUT AS IMPLICIT",
            &["(+) Cast stream AS mailglass_stream"],
        ),
    ]);
}

#[test]
fn what_search_path_finds_instead_of_what_our_statements_mean_is_seen() {
    assert_seen(&[
        (
            "CREATE FUNCTION same(mailglass_event_type, mailglass_event_type) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR = (LEFTARG = mailglass_event_type, RIGHTARG = mailglass_event_type, FUNCTION = same)",
            &["+ Operator public.=(mailglass_event_type, mailglass_event_type)"],
        ),
        (
            "CREATE FUNCTION same(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR <> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = same)",
            &["+ Operator public.<>(anyelement, anyelement)"],
        ),
        (
            "CREATE DOMAIN kind AS mailglass_event_type;
             CREATE FUNCTION same(kind, kind) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR = (LEFTARG = kind, RIGHTARG = kind, FUNCTION = same)",
            &["+ Operator public.=(kind, kind)"],
        ),
        (
            "CREATE OPERATOR CLASS backwards DEFAULT FOR TYPE mailglass_event_type USING btree AS
                 OPERATOR 1 > (anyenum, anyenum), OPERATOR 2 >= (anyenum, anyenum), OPERATOR 3 = (anyenum, anyenum),
                 OPERATOR 4 <= (anyenum, anyenum), OPERATOR 5 < (anyenum, anyenum),
                 FUNCTION 1 (mailglass_event_type, mailglass_event_type) enum_cmp(anyenum, anyenum)",
            &["+ Operator class public.backwards"],
        ),
        // Of exactly the types of an operator of pg_catalog: which comes first in search_path decides.
        (
            "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
            &[],
        ),
        (
            "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq); SET search_path = public, pg_catalog",
            &["(~) Setting search_path", "+ Operator public.=(text, text)"],
        ),
        ("SET search_path = public, pg_catalog", &["(~) Setting search_path"]),
        ("SET search_path = pg_catalog, public", &[]),
        // Our own calls name their schema, yours perhaps not.
        (
            "CREATE FUNCTION array_position(text[], text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            &["(+) Function public.array_position(text[], text)"],
        ),
        (
            "CREATE FUNCTION unnest(VARIADIC text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL::text'",
            &["(+) Function public.unnest(text[])"],
        ),
        // Diesel calls this one, to look up our enums.
        (
            "CREATE FUNCTION quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT $1'; SET search_path = public, pg_catalog",
            &["(~) Setting search_path", "+ Function public.quote_ident(text)"],
        ),
        // A temporary table is searched before pg_catalog, and so is the type of its rows.
        ("CREATE TEMP TABLE text (x integer)", &["+ Type pg_temp.text"]),
        // Other types, other names, other schemas, such as an extension's.
        (
            "CREATE TYPE pair AS (x integer);
             CREATE FUNCTION same(pair, pair) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE FUNCTION lower(pair) RETURNS pair LANGUAGE sql AS 'SELECT $1';
             CREATE OPERATOR = (LEFTARG = pair, RIGHTARG = pair, FUNCTION = same);
             CREATE OPERATOR %% (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
             CREATE FUNCTION near(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE SCHEMA elsewhere;
             CREATE FUNCTION elsewhere.array_position(text[], text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            &[],
        ),
    ]);
}

#[test]
fn a_difference_that_should_not_be_there_says_what_to_do() {
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

/// Reads under other settings, and puts them back.
#[test]
fn it_leaves_the_session_as_it_was() {
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
    assert_eq!(verify(&mut conn).unwrap().len(), 2, "the caller's work is kept");
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
