//! Sessions and schemas that stand in the way: every call gives the same results under any setting, and with functions and
//! operators of others in the schema of our tables.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use mailglass::contract::{Difference, ObjectKind, builtins};
use mailglass::projection::{rebuild, rebuild_all, repair};
use mailglass::{Delivery, DeliveryChanges, EventType, NewDelivery, Result, contract, ledger, migrations, projection};
use scratch_postgres::Database;
use serde_json::json;
use uuid::Uuid;

use crate::support::{TENANT, at, connect, connected, eager, event, server, to};

/// Each call of the library, one after the other, and what they say in words that are the same in every run.
fn every_call(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let queued = to("ann@example.com")
        .idempotency_key("enqueue-1")
        .insert(conn)?
        .into_delivery();
    let batch: [NewDelivery; 3] = [
        to("ann@example.com").idempotency_key("enqueue-1"),
        to("Bob@example.com").provider("postmark").provider_message_id("m-2"),
        to("eve@example.com"),
    ];
    let inserted = NewDelivery::insert_all(conn, &batch)?;
    said.push(format!(
        "{:?}",
        inserted.iter().map(|row| row.is_replay()).collect::<Vec<_>>()
    ));
    said.push(format!("{}", inserted[0].delivery().id == queued.id));
    let (bob, eve) = (inserted[1].delivery(), inserted[2].delivery());

    let dispatched = queued.mark_dispatched(conn, "postmark", "m-1", at(1))?;
    let changes = DeliveryChanges {
        metadata: Some(json!({ "a": 1.5, "b": [null, "x"] })),
        ..DeliveryChanges::default()
    };
    let updated = dispatched.update(conn, &changes)?;
    said.push(projection_of(&updated));
    said.push(format!("{} {}", updated.lock_version, updated.metadata));
    said.push(format!(
        "{}",
        queued.update(conn, &changes).is_err_and(|error| error.is_stale_entry())
    ));
    said.push(projection_of(&eve.mark_failed(conn, json!({ "code": 406 }), at(1))?));
    let suppressed = Delivery::find(conn, TENANT, eve.id)?.mark_suppressed(conn, None, at(2))?;
    said.push(projection_of(&suppressed));

    let events = [
        event(EventType::Delivered, 3)
            .delivery(queued.id)
            .idempotency_key("e-1"),
        event(EventType::Bounced, 2).delivery(queued.id).idempotency_key("e-2"),
        event(EventType::Opened, 4)
            .provider_message("postmark", "m-2")
            .recipient("bob@EXAMPLE.com"),
        event(EventType::Clicked, 5)
            .provider_message("postmark", "m-3")
            .metadata(json!({ "n": 1.25 })),
        event(EventType::Delivered, 3)
            .delivery(queued.id)
            .idempotency_key("e-1"),
    ];
    for _ in 0..2 {
        let recorded = ledger::record(conn, &events)?;
        said.push(format!(
            "{:?}",
            recorded.iter().map(|row| row.is_replay()).collect::<Vec<_>>()
        ));
    }
    let conflicting = event(EventType::Opened, 3).delivery(queued.id).idempotency_key("e-1");
    said.push(ledger::record(conn, &[conflicting]).map_or_else(|error| error.to_string(), |_| "accepted".to_owned()));
    let appended = ledger::append(conn, &[event(EventType::Unsubscribed, 6).delivery(bob.id)])?;
    said.push(format!("{:?}", appended[0].event().needs_reconciliation));

    // Two orphans by now, of which one gets its delivery.
    to("cid@example.com")
        .provider("postmark")
        .provider_message_id("m-3")
        .insert(conn)?;
    said.push(format!("{:?}", mailglass::reconciler::sweep(conn, &eager())?));

    let found = Delivery::find(conn, TENANT, queued.id)?;
    said.push(projection_of(&found));
    let types: Vec<_> = found.timeline(conn)?.iter().map(|event| event.type_).collect();
    said.push(format!("{types:?}"));
    for decision in found.explain(conn)? {
        said.push(format!(
            "{} {:?} {:?}",
            decision.column, decision.found, decision.expected
        ));
    }
    said.push(format!("{}", projection::verify(conn, TENANT)?.len()));
    said.push(format!("{}", repair(conn, TENANT)?));
    diesel::sql_query("UPDATE mailglass_deliveries SET terminal = false, bounced_at = NULL").execute(conn)?;
    said.push(format!("{}", projection::verify(conn, TENANT)?.len()));
    said.push(projection_of(&rebuild(conn, TENANT, queued.id)?));
    said.push(format!("{}", repair(conn, TENANT)?));
    said.push(format!("{}", rebuild_all(conn, TENANT)?));
    said.push(format!("{:?}", Delivery::find(conn, TENANT, Uuid::nil()).is_err()));
    Ok(said)
}

fn projection_of(delivery: &Delivery) -> String {
    format!("{:?}", mailglass::projection::Projection::from(delivery))
}

/// Migrates an empty database and makes each call on it.
fn all_of_it(conn: &mut PgConnection) -> Result<(Vec<String>, Vec<Difference>)> {
    migrations::run(conn)?;
    let mut said = every_call(conn)?;
    let listed = migrations::list(conn)?;
    said.push(format!("{}", listed.iter().all(|migration| migration.is_applied)));
    said.push(format!("{:?}", migrations::run(conn)?));
    Ok((said, contract::verify(conn)?))
}

const SETTINGS: &[&str] = &[
    "array_nulls = off",
    "backslash_quote = off",
    "bytea_output = escape",
    "check_function_bodies = off",
    "client_min_messages = error",
    "constraint_exclusion = on",
    "DateStyle = 'German, DMY'",
    "default_statistics_target = 1",
    "default_transaction_deferrable = on",
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_isolation = serializable",
    "enable_hashagg = off",
    "enable_hashjoin = off",
    "enable_indexscan = off",
    "enable_nestloop = off",
    "enable_seqscan = off",
    "enable_sort = off",
    "extra_float_digits = -15",
    "from_collapse_limit = 1",
    "geqo_threshold = 2",
    "IntervalStyle = sql_standard",
    "jit = on; SET jit_above_cost = 0",
    "join_collapse_limit = 1",
    "lc_messages = 'C'",
    "lc_numeric = 'C'",
    "plan_cache_mode = force_custom_plan",
    "plan_cache_mode = force_generic_plan",
    "quote_all_identifiers = on",
    "row_security = off",
    "search_path = public",
    "search_path = public, pg_catalog",
    "search_path = public, pg_temp",
    "session_replication_role = replica",
    "standard_conforming_strings = off",
    "statement_timeout = '1min'",
    "synchronous_commit = off",
    "TimeZone = 'Asia/Kathmandu'",
    "transform_null_equals = on",
    "work_mem = '64kB'",
    "xmlbinary = hex",
];

/// One session a setting, from an empty database on.
#[test]
fn no_setting_of_the_session_changes_a_result() {
    let database = server().database().unwrap();
    let (expected, healthy) = all_of_it(&mut connect(&database)).unwrap();
    assert_eq!(healthy, []);
    let wrong: Vec<String> = SETTINGS
        .iter()
        .filter_map(|setting| {
            let database: Database = server().database().unwrap();
            let mut conn = connect(&database);
            conn.batch_execute(&format!("SET {setting}")).unwrap();
            let (said, mut differences) = match all_of_it(&mut conn) {
                Ok(answers) => answers,
                Err(error) => return Some(format!("{setting}: {error}")),
            };
            // That pg_catalog is named last is a difference, and harmless.
            differences.retain(|difference| difference.kind != ObjectKind::Setting || !difference.is_harmless);
            let elsewhere = contract::verify(&mut connect(&database)).unwrap();
            if said != expected {
                return Some(format!("{setting}: {said:#?}\n  instead of {expected:#?}"));
            }
            (!differences.is_empty() || !elsewhere.is_empty())
                .then(|| format!("{setting}: {differences:#?} {elsewhere:#?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_session_that_may_only_read_reads() {
    let (_database, mut conn) = connected();
    let delivery = to("ann@example.com").insert(&mut conn).unwrap().into_delivery();
    conn.batch_execute("SET default_transaction_read_only = on").unwrap();
    assert_eq!(contract::verify(&mut conn).unwrap(), []);
    assert_eq!(delivery.timeline(&mut conn).unwrap().len(), 1);
    assert_eq!(delivery.explain(&mut conn).unwrap().len(), 9);
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    assert!(
        migrations::list(&mut conn)
            .unwrap()
            .iter()
            .all(|migration| migration.is_applied)
    );
}

/// Overloads of polymorphic functions, for the types with which they might be called. Exactly these types win over any type.
const FUNCTIONS: &str = "
    DO $do$
    DECLARE
        overload text;
    BEGIN
        FOREACH overload IN ARRAY ARRAY[
            'array_position(text[], text) RETURNS integer',
            'array_remove(text[], text) RETURNS text[]',
            'cardinality(uuid[]) RETURNS integer',
            'lower(text) RETURNS text',
            'make_interval(years integer, months integer, weeks integer, days integer, hours integer, mins integer,
                 secs double precision) RETURNS interval',
            'now() RETURNS timestamptz',
            'clock_timestamp() RETURNS timestamptz',
            'unnest(boolean[]) RETURNS SETOF boolean',
            'unnest(jsonb[]) RETURNS SETOF jsonb',
            'unnest(text[]) RETURNS SETOF text',
            'unnest(timestamptz[]) RETURNS SETOF timestamptz',
            'unnest(uuid[]) RETURNS SETOF uuid',
            'unnest(mailglass_event_type[]) RETURNS SETOF mailglass_event_type',
            'unnest(mailglass_reject_reason[]) RETURNS SETOF mailglass_reject_reason',
            'unnest(mailglass_stream[]) RETURNS SETOF mailglass_stream',
            'to_regclass(text) RETURNS regclass',
            'format_type(oid, integer) RETURNS text',
            'concat_ws(text, text) RETURNS text',
            'pg_advisory_lock(bigint) RETURNS void',
            'pg_advisory_unlock(bigint) RETURNS boolean'
        ] LOOP
            EXECUTE format(
                'CREATE FUNCTION public.%s LANGUAGE plpgsql AS %L', overload,
                'BEGIN RAISE EXCEPTION USING MESSAGE = ''hostile''; END'
            );
        END LOOP;
    END
    $do$;
    CREATE AGGREGATE public.max(timestamptz) (SFUNC = timestamptz_smaller, STYPE = timestamptz);
    CREATE AGGREGATE public.min(timestamptz) (SFUNC = timestamptz_larger, STYPE = timestamptz);
    CREATE AGGREGATE public.max(integer) (SFUNC = int4smaller, STYPE = integer);
    CREATE FUNCTION public.only_null(mailglass_event_type[], mailglass_event_type) RETURNS mailglass_event_type[]
        LANGUAGE sql AS 'SELECT NULL::mailglass_event_type[]';
    CREATE AGGREGATE public.array_agg(mailglass_event_type) (SFUNC = only_null, STYPE = mailglass_event_type[]);
";

/// Our statements call the functions of pg_catalog, whatever stands before it.
#[test]
fn functions_of_others_are_never_called() {
    let expected = {
        let (_database, mut conn) = connected();
        every_call(&mut conn).unwrap()
    };
    for search_path in ["public", "public, pg_catalog"] {
        let (database, mut conn) = connected();
        conn.batch_execute(FUNCTIONS).unwrap();
        conn = connect(&database);
        conn.batch_execute(&format!("SET search_path = {search_path}")).unwrap();
        assert_eq!(migrations::run(&mut conn).unwrap(), [""; 0], "{search_path}");
        assert!(
            migrations::list(&mut conn)
                .unwrap()
                .iter()
                .all(|migration| migration.is_applied)
        );
        assert_eq!(every_call(&mut conn).unwrap(), expected, "{search_path}");
    }
}

#[test]
fn functions_of_others_are_reported_and_do_not_mislead_the_report() {
    for search_path in ["public", "public, pg_catalog"] {
        let (_database, mut conn) = connected();
        conn.batch_execute(FUNCTIONS).unwrap();
        conn.batch_execute(&format!("SET search_path = {search_path}")).unwrap();
        let differences = contract::verify(&mut conn).unwrap();
        assert!(
            differences.iter().all(|difference| difference.is_harmless),
            "{differences:#?}"
        );
        let is_seen = |function: &str| differences.iter().any(|difference| difference.object == function);
        assert!(is_seen("public.array_position(text[], text)"), "{differences:#?}");
        assert!(is_seen("public.unnest(uuid[])"), "{differences:#?}");
        assert_eq!(is_seen("public.lower(text)"), search_path == "public, pg_catalog");
    }
}

/// An operator can't be kept out as a function can: IS DISTINCT FROM and IN look up theirs, too.
#[test]
fn operators_of_others_are_reported() {
    for (search_path, types) in [
        (
            "public",
            "mailglass_event_type mailglass_delivery_status mailglass_stream mailglass_reject_reason",
        ),
        ("public, pg_catalog", "text uuid timestamptz jsonb boolean integer"),
    ] {
        let (_database, mut conn) = connected();
        let mut expected = BTreeSet::new();
        for operand in types.split(' ') {
            conn.batch_execute(&format!(
                "CREATE FUNCTION hostile({operand}, {operand}) RETURNS boolean LANGUAGE plpgsql
                     AS 'BEGIN RAISE EXCEPTION ''hostile''; END'"
            ))
            .unwrap();
            let name: Name = diesel::sql_query(format!("SELECT '{operand}'::regtype::text AS name"))
                .get_result(&mut conn)
                .unwrap();
            for operator in builtins::OPERATORS {
                conn.batch_execute(&format!(
                    "CREATE OPERATOR public.{operator} (LEFTARG = {operand}, RIGHTARG = {operand}, FUNCTION = hostile)"
                ))
                .unwrap();
                expected.insert(format!("public.{operator}({0}, {0})", name.name));
            }
        }
        conn.batch_execute(&format!("SET search_path = {search_path}")).unwrap();
        let differences = contract::verify(&mut conn).unwrap();
        let broken = differences.into_iter().filter(|difference| !difference.is_harmless);
        let reported: BTreeSet<String> = broken.map(|difference| difference.object).collect();
        assert_eq!(reported, expected, "{search_path}");
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The statements as the server gets them: `verify` knows each name that they look up in search_path, and no other.
#[test]
fn the_names_that_our_statements_look_up_are_those_that_verify_knows() {
    let (_database, mut conn) = connected();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let text = query
                .rsplit_once(" -- binds: ")
                .map_or(query.as_str(), |(text, _)| text);
            seen.lock().unwrap().push(text.to_owned());
        }
    });
    every_call(&mut conn).unwrap();
    drop(conn);
    let mut lookups = Lookups::default();
    for statement in statements.lock().unwrap().iter() {
        lookups.read(statement);
    }
    let is = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
    let mut functions = [builtins::FUNCTIONS, builtins::DIESEL_FUNCTIONS].concat();
    functions.sort_unstable();
    assert_eq!(is(&lookups.functions), functions);
    assert_eq!(is(&lookups.operators), builtins::OPERATORS);
    assert_eq!(is(&lookups.types), builtins::TYPES);

    // The statements that the calls above do not send look up the same names.
    let mut snapshots = Lookups::default();
    for file in fs::read_dir("tests/snapshots/sql").unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy();
        // Migrations need their own objects, and `contract::verify` sets its own search_path.
        if !name.starts_with("migrations_") && !name.starts_with("contract_") {
            snapshots.read(&fs::read_to_string(&file).unwrap());
        }
    }
    assert!(
        snapshots.functions.is_subset(&lookups.functions),
        "{:?}",
        snapshots.functions
    );
    assert!(
        snapshots.operators.is_subset(&lookups.operators),
        "{:?}",
        snapshots.operators
    );
}

/// The names of functions and types, and the operators, in the text of statements.
#[derive(Default)]
struct Lookups {
    functions: BTreeSet<String>,
    operators: BTreeSet<String>,
    types: BTreeSet<String>,
}

/// What stands before a parenthesis and is no function, and types that are keywords.
const SYNTAX: &str = " ALL AND ANY ARRAY AS BY CONFLICT COALESCE DISTINCT EXISTS FILTER FROM GREATEST IN IS JOIN LATERAL LEAST LIMIT \
    MATERIALIZED NOT ON OR OVER SELECT SET THEN VALUES WHEN WHERE WITH BIGINT BOOLEAN INTEGER ";

impl Lookups {
    fn read(&mut self, statement: &str) {
        let statement = without_comments_and_strings(statement);
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let is_operator = |letter: char| "+-*/<>=~!@#%^&|?".contains(letter);
        let mut rest = statement.as_str();
        let (mut before, mut last) = (String::new(), String::new());
        while let Some(letter) = rest.chars().next() {
            let length = rest.find(|next: char| match letter {
                _ if is_word(letter) => !is_word(next),
                _ if is_operator(letter) => !is_operator(next),
                _ => true,
            });
            let length = match length {
                Some(0) => letter.len_utf8(),
                Some(length) => length,
                None => rest.len(),
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            if is_word(letter) {
                let is_call = rest.starts_with('(') && !letter.is_numeric();
                let is_keyword = SYNTAX.contains(&format!(" {} ", token.to_uppercase()));
                // INSERT INTO mailglass_events (…), and the columns of an alias, have a space before the parenthesis.
                if is_call && !is_keyword {
                    self.functions.insert(token.to_lowercase());
                }
                let is_ours = token.starts_with("mailglass_");
                if last == ":" && before == ":" && !is_keyword && !is_ours && !rest.starts_with('.') {
                    self.types.insert(token.to_lowercase());
                }
            } else if is_operator(letter) {
                // `*` as in SELECT * or count(*), and named arguments.
                let is_syntax = token == "*" || token == "=>";
                if !is_syntax {
                    self.operators.insert(token.to_owned());
                }
            }
            if !letter.is_whitespace() {
                before = std::mem::replace(&mut last, token.to_owned());
            }
        }
        // What these keywords stand for.
        let upper = statement.to_uppercase();
        if ["IS DISTINCT FROM", " IN (", " BETWEEN "]
            .iter()
            .any(|keyword| upper.contains(keyword))
        {
            self.operators.insert("=".to_owned());
        }
    }
}

fn without_comments_and_strings(statement: &str) -> String {
    let lines = statement
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let code = lines.collect::<Vec<_>>().join("\n");
    // Quoted identifiers are tables' and columns'.
    let parts = code.split('\'').step_by(2).collect::<Vec<_>>().join("''");
    parts.split('"').step_by(2).collect::<Vec<_>>().join("x")
}
