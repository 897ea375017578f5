//! Functions and operators of others in the schema of our tables: our statements never call them, or `contract::verify`
//! reports them.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use mailglass::contract::builtins;
use mailglass::{contract, migrations};

use crate::support::every_call::every_call;
use crate::support::{connect, connected};

/// Overloads of polymorphic functions, for the types with which our statements might call them. PostgreSQL prefers an exact
/// match of the types to a polymorphic function.
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
            'unnest(bytea[]) RETURNS SETOF bytea',
            'convert_to(text, name) RETURNS bytea',
            'current_setting(text) RETURNS text',
            'floor(numeric) RETURNS numeric',
            'get_byte(bytea, integer) RETURNS integer',
            'int8send(bigint) RETURNS bytea',
            'pg_backend_pid() RETURNS integer',
            'sha256(bytea) RETURNS bytea',
            'to_timestamp(double precision) RETURNS timestamptz',
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
    CREATE AGGREGATE public.max(bigint) (SFUNC = int8smaller, STYPE = bigint);
";

/// Our statements call the functions of pg_catalog, whatever precedes it in search_path.
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
fn functions_of_others_are_reported() {
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

/// Operators can't be avoided by naming a schema: IS DISTINCT FROM and IN look up their operators in search_path.
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
