//! The guard of a distributed ledger, and of its shard.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::Error;
use mailglass::contract::{self, Difference, ObjectKind};
use test_support::{count_events, delivery};

use crate::support::{Migrated, Shard, connected, move_away};

const STATEMENTS: [&str; 4] = [
    "UPDATE {} SET trace_id = 'x'",
    "DELETE FROM {}",
    "DELETE FROM {} WHERE false",
    "TRUNCATE {}",
];

fn is_rejected(conn: &mut PgConnection, statement: &str, table: &str) -> bool {
    let outcome = conn.transaction(|conn| {
        diesel::sql_query(statement.replace("{}", table)).execute(conn)?;
        Err::<(), _>(Error::from(diesel::result::Error::RollbackTransaction))
    });
    outcome.is_err_and(|error| error.is_ledger_immutable())
}

/// The statements that the guard accepts.
fn accepted(conn: &mut PgConnection, table: &str) -> Vec<&'static str> {
    STATEMENTS
        .into_iter()
        .filter(|statement| !is_rejected(conn, statement, table))
        .collect()
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn the_guard_rejects_changes_through_the_coordinator_and_on_the_shard() {
    let (schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    delivery(conn);
    assert_eq!(accepted(conn, "mailglass_events"), [""; 0]);
    let shard = Shard::of(conn, "mailglass_events");
    assert_eq!(accepted(&mut shard.connect_to_worker(), &shard.name), [""; 0]);

    move_away(conn, &schema);
    let moved = Shard::of(conn, "mailglass_events");
    assert_ne!(moved.port, shard.port);
    assert_eq!(accepted(&mut moved.connect_to_worker(), &moved.name), [""; 0]);
    assert_eq!(accepted(conn, "mailglass_events"), [""; 0]);
    assert_eq!(count_events(conn), 1);
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_part_of_the_guard_that_a_shard_lacks_is_reported_and_repaired() {
    let (_schema, mut conn) = connected(Migrated::AfterDistribution);
    let conn = &mut conn;
    delivery(conn);
    let shard = Shard::of(conn, "mailglass_events");
    assert_eq!(
        accepted(&mut shard.connect_to_worker(), &shard.name),
        ["DELETE FROM {} WHERE false", "TRUNCATE {}"],
        "Citus creates no statement trigger on an existing shard"
    );

    let differences = contract::verify(conn).unwrap();
    let [missing] = differences.as_slice() else {
        panic!("{differences:?}")
    };
    assert_eq!(missing.kind, ObjectKind::Trigger);
    let (schema, table) = shard.name.split_once('.').unwrap();
    let number = table.rsplit_once('_').unwrap().1;
    let trigger = format!("mailglass_events_immutable_statement_trigger_{number}");
    assert_eq!(missing.object, format!("{table}.{trigger}"));
    assert_eq!(
        missing.repair.as_deref().unwrap(),
        format!(
            "SELECT run_command_on_placements('{schema}.mailglass_events', 'CREATE OR REPLACE TRIGGER {trigger} \
             BEFORE DELETE OR UPDATE OR TRUNCATE ON %1$s FOR EACH STATEMENT \
             EXECUTE FUNCTION {schema}.mailglass_raise_immutability(); \
             ALTER TABLE %1$s ENABLE ALWAYS TRIGGER {trigger}')"
        )
    );
    assert!(
        missing
            .to_string()
            .contains("; repair it with `SELECT run_command_on_placements(")
    );

    repair(conn, &differences);
    assert_eq!(contract::verify(conn).unwrap(), []);
    assert_eq!(accepted(&mut shard.connect_to_worker(), &shard.name), [""; 0]);
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_changed_trigger_of_a_shard_is_reported_and_repaired() {
    let (_schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    let shard = Shard::of(conn, "mailglass_events");
    let number = shard.name.rsplit_once('_').unwrap().1;
    let mut worker = shard.connect_to_worker();
    for (trigger, statement) in [
        (
            "mailglass_events_immutable_trigger",
            "ALTER TABLE {} DISABLE TRIGGER {trigger}",
        ),
        (
            "mailglass_events_immutable_statement_trigger",
            "ALTER TABLE {} ENABLE TRIGGER {trigger}",
        ),
        (
            "mailglass_events_await_reconciliation_trigger",
            "DROP TRIGGER {trigger} ON {}",
        ),
    ] {
        let trigger = format!("{trigger}_{number}");
        worker
            .batch_execute(&statement.replace("{trigger}", &trigger).replace("{}", &shard.name))
            .unwrap();
    }
    let differences = contract::verify(conn).unwrap();
    assert_eq!(differences.len(), 3, "{differences:?}");
    repair(conn, &differences);
    assert_eq!(contract::verify(conn).unwrap(), []);
}

/// Executes the statements that `verify` gives.
fn repair(conn: &mut PgConnection, differences: &[Difference]) {
    for difference in differences {
        conn.batch_execute(difference.repair.as_deref().unwrap()).unwrap();
    }
}
