//! R5, R6: nothing changes a landed event, and Rust callers get a typed error that names the operation.

use diesel::prelude::*;
use diesel::{delete, insert_into, sql_query, update};
use mailglass::schema::mailglass_events::dsl;
use mailglass::{Error, Event, EventType, LedgerOperation, ledger};

use crate::support::{TENANT, at, connect, connected, count_events, delivery, event, sweep_now};

/// Every way to change a landed event in plain SQL, and the operation that the error must name. `$key` stands for the key
/// of an event that is there.
const MATRIX: &[(&str, LedgerOperation)] = &[
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
        other => panic!("not the guard's error: {other:?}"),
    }
}

fn landed(conn: &mut PgConnection) -> Event {
    let delivery = delivery(conn);
    let event = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("there");
    ledger::record(conn, &[event]).unwrap().remove(0).into_event()
}

fn assert_matrix(conn: &mut PgConnection) {
    let before: Vec<Event> = dsl::mailglass_events
        .order(dsl::id)
        .select(Event::as_select())
        .load(conn)
        .unwrap();
    for (statement, expected) in MATRIX {
        let error = sql_query(*statement).execute(conn).expect_err(statement);
        assert_eq!(operation(error.into()), *expected, "{statement}");
    }
    let after: Vec<Event> = dsl::mailglass_events
        .order(dsl::id)
        .select(Event::as_select())
        .load(conn)
        .unwrap();
    assert_eq!(before, after);
}

#[test]
fn every_statement_that_would_change_an_event_is_refused() {
    let (_database, mut conn) = connected();
    landed(&mut conn);
    assert_matrix(&mut conn);
}

#[test]
fn the_guard_is_awake_under_the_replica_role() {
    let (_database, mut conn) = connected();
    landed(&mut conn);
    sql_query("SET session_replication_role = replica")
        .execute(&mut conn)
        .unwrap();
    assert_matrix(&mut conn);
}

#[test]
fn an_empty_ledger_is_guarded_too() {
    let (_database, mut conn) = connected();
    assert_matrix(&mut conn);
}

#[test]
fn each_guard_trigger_refuses_by_itself() {
    for asleep in [
        "mailglass_events_immutable_trigger",
        "mailglass_events_immutable_statement_trigger",
    ] {
        let (_database, mut conn) = connected();
        landed(&mut conn);
        let disable = format!("ALTER TABLE mailglass_events DISABLE TRIGGER {asleep}");
        sql_query(disable).execute(&mut conn).unwrap();
        for (statement, expected) in [
            ("UPDATE mailglass_events SET trace_id = 'x'", LedgerOperation::Update),
            ("DELETE FROM mailglass_events", LedgerOperation::Delete),
        ] {
            let error = sql_query(statement).execute(&mut conn).expect_err(statement);
            assert_eq!(operation(error.into()), expected, "{statement} without {asleep}");
        }
    }
}

#[test]
fn diesels_dsl_is_refused_with_the_operation() {
    let (_database, mut conn) = connected();
    let event = landed(&mut conn);
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
fn a_question_mark_in_a_transaction_translates_and_rolls_back() {
    let (_database, mut conn) = connected();
    landed(&mut conn);
    let before = count_events(&mut conn);
    let refused = conn.transaction::<(), Error, _>(|conn| {
        ledger::record(conn, &[event(EventType::Opened, 2)])?;
        delete(dsl::mailglass_events).execute(conn)?;
        Ok(())
    });
    assert!(refused.as_ref().is_err_and(Error::is_ledger_immutable));
    assert_eq!(operation(refused.unwrap_err()), LedgerOperation::Delete);
    assert_eq!(count_events(&mut conn), before);
}

#[test]
fn do_nothing_keeps_working() {
    let (_database, mut conn) = connected();
    landed(&mut conn);
    let inserted = sql_query(
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, idempotency_key)
         VALUES (gen_random_uuid(), 'acme', 'sent', now(), 'there') ON CONFLICT DO NOTHING",
    )
    .execute(&mut conn)
    .unwrap();
    assert_eq!(inserted, 0);
}

#[test]
fn the_guard_names_itself_to_every_driver() {
    let (_database, mut conn) = connected();
    let error = sql_query("TRUNCATE mailglass_events").execute(&mut conn).unwrap_err();
    let diesel::result::Error::DatabaseError(_, information) = error else {
        panic!("not a database error: {error:?}");
    };
    assert_eq!(information.details(), Some("mailglass:immutable:truncate"));
    assert_eq!(
        information.constraint_name(),
        Some("mailglass_events_immutable_trigger")
    );
    assert_eq!(information.table_name(), Some("mailglass_events"));
}

#[test]
fn the_guard_raises_sqlstate_45a01() {
    // Diesel drops the SQLSTATE, so the server itself is asked which one it caught.
    let (_database, mut conn) = connected();
    for (statement, _) in MATRIX {
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

/// The role that the README recommends: it can do everything that the crate does, and can't put the guard to sleep.
#[test]
fn a_role_that_owns_nothing_can_work_and_can_not_disarm_the_guard() {
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
    assert_eq!(sweep_now(&mut app).linked, 1);
    assert_eq!(dispatched.timeline(&mut app).unwrap().len(), 3);
    assert_eq!(mailglass::projection::rebuild_all(&mut app, TENANT).unwrap(), 0);

    for disarm in [
        "ALTER TABLE mailglass_events DISABLE TRIGGER ALL",
        "DROP TRIGGER mailglass_events_immutable_trigger ON mailglass_events",
        "CREATE OR REPLACE FUNCTION mailglass_raise_immutability() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
        "UPDATE mailglass_events SET trace_id = 'x'",
        "DELETE FROM mailglass_events",
        "TRUNCATE mailglass_events",
        "DROP TABLE mailglass_events",
    ] {
        assert!(sql_query(disarm).execute(&mut app).is_err(), "{disarm}");
    }
    for statement in [format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")] {
        sql_query(statement).execute(&mut owner).unwrap();
    }
}
