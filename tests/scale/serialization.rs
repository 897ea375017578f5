//! Typed errors of distributed tables.

use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::{Error, EventType, ledger};
use serde_json::json;
use test_support::{at, count_events, delivery, event, insert, to, wrong_fields};

use crate::support::{Migrated, connected};

/// Two transactions that change the same delivery.
fn conflict(isolation: &str) -> Vec<Result<(), Error>> {
    let (schema, mut first) = connected(Migrated::BeforeDistribution);
    let mut second = PgConnection::establish(schema.url()).unwrap();
    let row = delivery(&mut first);
    let opened = |key: &str| event(EventType::Opened, 1).delivery(row.id).idempotency_key(key);
    let mut outcomes = Vec::new();
    let transaction = first.build_transaction();
    let mut transaction = match isolation {
        "SERIALIZABLE" => transaction.serializable(),
        _ => transaction.repeatable_read(),
    };
    let outcome = transaction.run::<_, Error, _>(|conn| {
        diesel::sql_query("SELECT count(*) FROM mailglass_events").execute(conn)?;
        outcomes.push(ledger::record(&mut second, &[opened("second")]).map(drop));
        ledger::record(conn, &[opened("first")]).map(drop)
    });
    outcomes.push(outcome);
    outcomes
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_conflict_under_repeatable_read_is_a_serialization_failure() {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let outcomes = conflict(isolation);
        assert!(outcomes[0].is_ok(), "{outcomes:?}");
        assert!(
            outcomes[1]
                .as_ref()
                .is_err_and(|error| error.is_serialization_failure()),
            "{isolation}: {outcomes:?}"
        );
    }
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_write_skew_under_serializable_is_a_serialization_failure() {
    let (schema, mut first) = connected(Migrated::BeforeDistribution);
    let mut second = PgConnection::establish(schema.url()).unwrap();
    let rows = ["ann@example.com", "bob@example.com"].map(|recipient| insert(&mut first, &to(recipient)));
    first
        .batch_execute("SET default_transaction_isolation = serializable")
        .unwrap();
    second
        .batch_execute("SET default_transaction_isolation = serializable")
        .unwrap();
    let record = |conn: &mut PgConnection, row: usize| {
        diesel::sql_query("SELECT count(*) FROM mailglass_deliveries WHERE NOT terminal").execute(conn)?;
        ledger::record(conn, &[event(EventType::Bounced, 1).delivery(rows[row].id)]).map(drop)
    };
    let outcome = first.transaction::<_, Error, _>(|first| {
        record(first, 0)?;
        second.transaction(|second| record(second, 1)).map_err(|error| {
            println!("the second transaction: {error:?}");
            error
        })
    });
    assert!(
        outcome.as_ref().is_err_and(|error| error.is_serialization_failure()),
        "{outcome:?}"
    );
}

/// Connections that record on the same deliveries. Each call is a transaction that is repeated until it succeeds.
#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn contention_under_serializable_causes_only_serialization_failures() {
    let (schema, mut conn) = connected(Migrated::BeforeDistribution);
    let rows: Vec<_> = (0..3)
        .map(|number| insert(&mut conn, &to(&format!("{number}@example.com"))))
        .collect();
    let others: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (schema, rows) = (&schema, &rows);
                scope.spawn(move || {
                    let mut conn = PgConnection::establish(schema.url()).unwrap();
                    let mut others = Vec::new();
                    for round in 0..60 {
                        let events: Vec<_> = (rows.iter())
                            .map(|row| {
                                event(EventType::Opened, round)
                                    .delivery(row.id)
                                    .idempotency_key(format!("{worker}:{round}:{}", row.id))
                            })
                            .collect();
                        loop {
                            let outcome = conn
                                .build_transaction()
                                .serializable()
                                .run(|conn| ledger::record(conn, &events));
                            match outcome {
                                Ok(_) => break,
                                Err(error) if error.is_serialization_failure() => {}
                                Err(error) => others.push(format!("{error:?}")),
                            }
                        }
                    }
                    others
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(others, [""; 0]);
    assert_eq!(count_events(&mut conn), 3 + 4 * 60 * 3);
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_taken_message_is_invalid_without_the_name_of_the_constraint() {
    let (_schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    insert(conn, &to("ann@example.com").provider("ses").provider_message_id("m-1"));
    let other = insert(conn, &to("ann@example.com"));
    let error = other.mark_dispatched(conn, "ses", "m-1", at(1)).unwrap_err();
    assert_eq!(wrong_fields(&error), ["provider_message_id"]);
    other.mark_failed(conn, json!({ "code": 1 }), at(2)).unwrap();
}
