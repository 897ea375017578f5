//! No setting of the session changes a result.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::contract::{Difference, ObjectKind};
use mailglass::{Result, contract, migrations, projection};
use scratch_postgres::Database;

use crate::support::every_call::every_call;
use crate::support::{TENANT, connect, connected, delivery, server};

/// Migrates an empty database, makes each call of the library on it, and verifies its schema.
fn migrate_and_call(conn: &mut PgConnection) -> Result<(Vec<String>, Vec<Difference>)> {
    migrations::run(conn)?;
    let mut results = every_call(conn)?;
    let listed = migrations::list(conn)?;
    results.push(format!("{}", listed.iter().all(|migration| migration.is_applied)));
    results.push(format!("{:?}", migrations::run(conn)?));
    Ok((results, contract::verify(conn)?))
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

/// Each setting has its own session and its own empty database.
#[test]
fn no_setting_of_the_session_changes_a_result() {
    let database = server().database().unwrap();
    let (expected, healthy) = migrate_and_call(&mut connect(&database)).unwrap();
    assert_eq!(healthy, []);
    let wrong: Vec<String> = SETTINGS
        .iter()
        .filter_map(|setting| {
            let database: Database = server().database().unwrap();
            let mut conn = connect(&database);
            conn.batch_execute(&format!("SET {setting}")).unwrap();
            let (results, mut differences) = match migrate_and_call(&mut conn) {
                Ok(answers) => answers,
                Err(error) => return Some(format!("{setting}: {error}")),
            };
            // A search_path that names pg_catalog last is a harmless difference.
            differences.retain(|difference| difference.kind != ObjectKind::Setting || !difference.is_harmless);
            let elsewhere = contract::verify(&mut connect(&database)).unwrap();
            if results != expected {
                return Some(format!("{setting}: {results:#?}\n  expected {expected:#?}"));
            }
            (!differences.is_empty() || !elsewhere.is_empty())
                .then(|| format!("{setting}: {differences:#?} {elsewhere:#?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reads_work_in_a_read_only_session() {
    let (_database, mut conn) = connected();
    let delivery = delivery(&mut conn);
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
