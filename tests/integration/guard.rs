//! The ledger is append-only: triggers reject every change of an event, and the typed error names the operation.

use diesel::prelude::*;
use diesel::{delete, insert_into, sql_query, update};
use mailglass::schema::mailglass_events::dsl;
use mailglass::{Error, Event, EventType, LedgerOperation, ledger};

use crate::support::{
    TENANT, at, connect, connected, count_events, database_error, delivery, event, record_one, sweep_now,
};

/// Every way to change an event in SQL, and the operation that the error must name. An event with the key `there` exists.
const CHANGES: &[(&str, LedgerOperation)] = &[
    ("UPDATE mailglass_events SET trace_id = 'x'", LedgerOperation::Update),
    (
        "UPDATE mailglass_events SET trace_id = 'x' WHERE false",
        LedgerOperation::Update,
    ),
    ("UPDATE mailglass_events SET type = type", LedgerOperation::Update),
    ("DELETE FROM mailglass_events", LedgerOperation::Delete),
    ("DELETE FROM mailglass_events WHERE false", LedgerOperation::Delete),
    ("TRUNCATE mailglass_events", LedgerOperation::Truncate),
    (
        "TRUNCATE mailglass_events, mailglass_deliveries CASCADE",
        LedgerOperation::Truncate,
    ),
    (
        "MERGE INTO mailglass_events AS e USING (VALUES ('there')) AS v (key) ON e.idempotency_key = v.key
         WHEN MATCHED THEN UPDATE SET trace_id = 'x'",
        LedgerOperation::Update,
    ),
    (
        "MERGE INTO mailglass_events AS e USING (VALUES ('there')) AS v (key) ON e.idempotency_key = v.key
         WHEN MATCHED THEN DELETE",
        LedgerOperation::Delete,
    ),
    (
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, idempotency_key)
         VALUES (gen_random_uuid(), 'acme', 'sent', now(), 'there')
         ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO UPDATE SET type = excluded.type",
        LedgerOperation::Update,
    ),
    (
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, idempotency_key)
         VALUES (gen_random_uuid(), 'acme', 'sent', now(), 'not there')
         ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO UPDATE SET type = excluded.type",
        LedgerOperation::Update,
    ),
    (
        "WITH gone AS (DELETE FROM mailglass_events RETURNING id) SELECT count(*) FROM gone",
        LedgerOperation::Delete,
    ),
];

fn operation(error: Error) -> LedgerOperation {
    match error {
        Error::LedgerImmutable { operation } => operation,
        other => panic!("expected Error::LedgerImmutable, got {other:?}"),
    }
}

/// Records an event with the key `there`.
fn recorded(conn: &mut PgConnection) -> Event {
    let delivery = delivery(conn);
    let event = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("there");
    record_one(conn, event)
}

fn all_events(conn: &mut PgConnection) -> Vec<Event> {
    let events = dsl::mailglass_events.order(dsl::id).select(Event::as_select());
    events.load(conn).unwrap()
}

fn assert_changes_are_rejected(conn: &mut PgConnection) {
    let before = all_events(conn);
    for (statement, expected) in CHANGES {
        let error = sql_query(*statement).execute(conn).expect_err(statement);
        assert_eq!(operation(error.into()), *expected, "{statement}");
    }
    assert_eq!(all_events(conn), before);
}

#[test]
fn every_statement_that_would_change_an_event_is_rejected() {
    let (_database, mut conn) = connected();
    recorded(&mut conn);
    assert_changes_are_rejected(&mut conn);
}

#[test]
fn changes_are_rejected_under_the_replica_role() {
    let (_database, mut conn) = connected();
    recorded(&mut conn);
    sql_query("SET session_replication_role = replica")
        .execute(&mut conn)
        .unwrap();
    assert_changes_are_rejected(&mut conn);
}

#[test]
fn changes_of_an_empty_ledger_are_rejected() {
    let (_database, mut conn) = connected();
    assert_changes_are_rejected(&mut conn);
}

#[test]
fn each_guard_trigger_rejects_changes_by_itself() {
    for disabled in [
        "mailglass_events_immutable_trigger",
        "mailglass_events_immutable_statement_trigger",
    ] {
        let (_database, mut conn) = connected();
        recorded(&mut conn);
        let disable = format!("ALTER TABLE mailglass_events DISABLE TRIGGER {disabled}");
        sql_query(disable).execute(&mut conn).unwrap();
        for (statement, expected) in [
            ("UPDATE mailglass_events SET trace_id = 'x'", LedgerOperation::Update),
            ("DELETE FROM mailglass_events", LedgerOperation::Delete),
        ] {
            let error = sql_query(statement).execute(&mut conn).expect_err(statement);
            assert_eq!(operation(error.into()), expected, "{statement} without {disabled}");
        }
    }
}

#[test]
fn changes_through_diesels_query_builder_are_rejected() {
    let (_database, mut conn) = connected();
    let event = recorded(&mut conn);
    let updated = update(dsl::mailglass_events.find(event.id))
        .set(dsl::trace_id.eq("x"))
        .execute(&mut conn);
    assert_eq!(operation(updated.unwrap_err().into()), LedgerOperation::Update);
    let deleted = delete(dsl::mailglass_events.find(event.id)).execute(&mut conn);
    assert_eq!(operation(deleted.unwrap_err().into()), LedgerOperation::Delete);
    let upserted = insert_into(dsl::mailglass_events)
        .values((
            dsl::id.eq(uuid::Uuid::now_v7()),
            dsl::tenant_id.eq("acme"),
            dsl::type_.eq(EventType::Opened),
            dsl::occurred_at.eq(diesel::dsl::now),
            dsl::idempotency_key.eq("there"),
        ))
        .on_conflict(dsl::idempotency_key)
        .filter_target(dsl::idempotency_key.is_not_null())
        .do_update()
        .set(dsl::type_.eq(EventType::Opened))
        .execute(&mut conn);
    assert_eq!(operation(upserted.unwrap_err().into()), LedgerOperation::Update);
}

#[test]
fn a_rejected_change_rolls_back_the_transaction_as_a_typed_error() {
    let (_database, mut conn) = connected();
    recorded(&mut conn);
    let before = count_events(&mut conn);
    let rejected = conn.transaction::<(), Error, _>(|conn| {
        ledger::record(conn, &[event(EventType::Opened, 2)])?;
        delete(dsl::mailglass_events).execute(conn)?;
        Ok(())
    });
    assert!(rejected.as_ref().is_err_and(Error::is_ledger_immutable));
    assert_eq!(operation(rejected.unwrap_err()), LedgerOperation::Delete);
    assert_eq!(count_events(&mut conn), before);
}

#[test]
fn on_conflict_do_nothing_is_allowed() {
    let (_database, mut conn) = connected();
    recorded(&mut conn);
    let inserted = sql_query(
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, idempotency_key)
         VALUES (gen_random_uuid(), 'acme', 'sent', now(), 'there') ON CONFLICT DO NOTHING",
    )
    .execute(&mut conn)
    .unwrap();
    assert_eq!(inserted, 0);
}

#[test]
fn the_guards_error_has_details_constraint_and_table() {
    let (_database, mut conn) = connected();
    let error = sql_query("TRUNCATE mailglass_events").execute(&mut conn).unwrap_err();
    let error = database_error(error);
    assert_eq!(error.details(), Some("mailglass:immutable:truncate"));
    assert_eq!(error.constraint_name(), Some("mailglass_events_immutable_trigger"));
    assert_eq!(error.table_name(), Some("mailglass_events"));
}

#[test]
fn the_guard_raises_sqlstate_45a01() {
    // Diesel does not expose the SQLSTATE, so PL/pgSQL catches it.
    let (_database, mut conn) = connected();
    for (statement, _) in CHANGES {
        let block = format!(
            "DO $do$ BEGIN
                 EXECUTE $sql${statement}$sql$;
                 RAISE 'the ledger was changed';
             EXCEPTION WHEN SQLSTATE '45A01' THEN NULL;
             END $do$",
        );
        sql_query(block).execute(&mut conn).unwrap();
    }
}

/// The recommended role can make every call of the crate, and can't disable the guard.
#[test]
fn a_role_that_owns_nothing_can_use_the_crate_and_not_disable_the_guard() {
    let (database, mut owner) = connected();
    let role = format!("mailglass_app_{}", uuid::Uuid::now_v7().simple());
    for statement in [
        format!("CREATE ROLE {role}"),
        format!("GRANT SELECT, INSERT ON mailglass_events TO {role}"),
        format!("GRANT SELECT, INSERT, UPDATE ON mailglass_deliveries, mailglass_event_links TO {role}"),
    ] {
        sql_query(statement).execute(&mut owner).unwrap();
    }
    let mut app = connect(&database);
    sql_query(format!("SET ROLE {role}")).execute(&mut app).unwrap();

    let early = event(EventType::Opened, 5)
        .provider_message("postmark", "m-1")
        .idempotency_key("k");
    assert!(!ledger::record(&mut app, std::slice::from_ref(&early)).unwrap()[0].is_replay());
    assert!(ledger::record(&mut app, &[early]).unwrap()[0].is_replay());
    let dispatched = delivery(&mut app)
        .mark_dispatched(&mut app, "postmark", "m-1", at(1))
        .unwrap();
    assert_eq!(sweep_now(&mut app).linked, 0);
    assert_eq!(
        dispatched.timeline(&mut app).unwrap().len(),
        3,
        "the early event was linked at once"
    );
    assert_eq!(mailglass::projection::rebuild_all(&mut app, TENANT).unwrap(), 0);

    for statement in [
        "ALTER TABLE mailglass_events DISABLE TRIGGER ALL",
        "DROP TRIGGER mailglass_events_immutable_trigger ON mailglass_events",
        "CREATE OR REPLACE FUNCTION mailglass_raise_immutability() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
        "UPDATE mailglass_events SET trace_id = 'x'",
        "DELETE FROM mailglass_events",
        "TRUNCATE mailglass_events",
        "DROP TABLE mailglass_events",
    ] {
        assert!(sql_query(statement).execute(&mut app).is_err(), "{statement}");
    }
    for statement in [format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")] {
        sql_query(statement).execute(&mut owner).unwrap();
    }
}
