//! Under REPEATABLE READ and SERIALIZABLE what is recorded is right, or refused with an error that says to run the
//! transaction again; what is a transaction by itself is run again.

use std::slice;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::projection::{self, Projection, fold};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, Error, EventType, NewDelivery, NewEvent, ledger};

use crate::support::{TENANT, at, at_once, connect, connected, database, delivery, event, reload, sweep_now, to};

const LEVELS: [&str; 2] = ["REPEATABLE READ", "SERIALIZABLE"];

/// Runs a transaction whose snapshot is taken before `meanwhile` happens on another connection.
fn across<T>(
    conn: &mut PgConnection,
    level: &str,
    meanwhile: impl FnOnce(),
    work: impl FnOnce(&mut PgConnection) -> mailglass::Result<T>,
) -> mailglass::Result<T> {
    conn.transaction(|conn| {
        sql_query(format!("SET TRANSACTION ISOLATION LEVEL {level}")).execute(conn)?;
        let _snapshot: i64 = mailglass_deliveries::table.count().get_result(conn)?;
        meanwhile();
        work(conn)
    })
}

fn is_exact(conn: &mut PgConnection, delivery: &Delivery) {
    let row = reload(conn, delivery);
    assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

#[test]
fn a_delivery_that_moved_since_the_snapshot_is_a_typed_error_and_a_second_run_is_right() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let delivery = delivery(&mut conn);
        let ours = event(EventType::Opened, 7)
            .delivery(delivery.id)
            .idempotency_key("ours");
        let theirs = || {
            ledger::record(&mut other, &[event(EventType::Bounced, 5).delivery(delivery.id)]).unwrap();
        };
        let refused = across(&mut conn, level, theirs, |conn| {
            ledger::record(conn, slice::from_ref(&ours))
        });
        assert!(
            matches!(&refused, Err(Error::SerializationFailure(_))),
            "{level}: {refused:?}"
        );
        let again = across(
            &mut conn,
            level,
            || {},
            |conn| ledger::record(conn, slice::from_ref(&ours)),
        )
        .unwrap();
        assert!(!again[0].is_replay(), "nothing of the first run was kept");
        is_exact(&mut conn, &delivery);
        let row = reload(&mut conn, &delivery);
        assert_eq!((row.bounced_at, row.last_event_at), (Some(at(5)), at(7)));
    }
}

#[test]
fn a_key_that_was_taken_since_the_snapshot_is_a_typed_error_and_then_a_replay() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let delivery = delivery(&mut conn);
        let webhook = event(EventType::Delivered, 5)
            .delivery(delivery.id)
            .idempotency_key("webhook");
        let events = [webhook.clone(), event(EventType::Opened, 6).delivery(delivery.id)];
        let theirs = || drop(ledger::record(&mut other, slice::from_ref(&webhook)).unwrap());
        let refused = across(&mut conn, level, theirs, |conn| ledger::record(conn, &events));
        assert!(
            matches!(&refused, Err(error) if error.is_serialization_failure()),
            "{level}: {refused:?}"
        );
        let again = across(&mut conn, level, || {}, |conn| ledger::record(conn, &events)).unwrap();
        assert_eq!([again[0].is_replay(), again[1].is_replay()], [true, false]);
        is_exact(&mut conn, &delivery);

        let new = to("bob@example.com").idempotency_key("enqueue");
        let theirs = || drop(new.insert(&mut other).unwrap().into_delivery());
        let refused = across(&mut conn, level, theirs, |conn| new.insert(conn));
        assert!(
            matches!(&refused, Err(error) if error.is_serialization_failure()),
            "{level}: {refused:?}"
        );
        let again = across(
            &mut conn,
            level,
            || {},
            |conn| NewDelivery::insert_all(conn, slice::from_ref(&new)),
        )
        .unwrap();
        assert!(again[0].is_replay());
    }
}

/// The snapshot does not show the delivery: the event waits, as if it had come too early.
#[test]
fn a_delivery_that_was_born_since_the_snapshot_is_linked_later() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let mut born = None;
        let birth = || {
            let sent = to("ann@example.com").provider("ses").provider_message_id("m1");
            born = Some(sent.insert(&mut other).unwrap().into_delivery());
        };
        let early = event(EventType::Delivered, 5).provider_message("ses", "m1");
        let landed = across(&mut conn, level, birth, |conn| ledger::record(conn, &[early])).unwrap();
        assert!(landed[0].event().needs_reconciliation, "{level}");
        assert_eq!(sweep_now(&mut conn).linked, 1);
        let born = born.unwrap();
        is_exact(&mut conn, &born);
        assert_eq!(reload(&mut conn, &born).delivered_at, Some(at(5)));
    }
}

#[test]
fn an_update_of_what_moved_since_the_snapshot_is_a_typed_error() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let delivery = delivery(&mut conn);
        let theirs = || drop(delivery.mark_dispatched(&mut other, "ses", "m1", at(1)).unwrap());
        let refused = across(&mut conn, level, theirs, |conn| {
            delivery.mark_suppressed(conn, None, at(2))
        });
        assert!(
            matches!(&refused, Err(error) if error.is_serialization_failure()),
            "{level}: {refused:?}"
        );
        // Seen afresh, it is what it is: somebody else was first.
        let refused = across(
            &mut conn,
            level,
            || {},
            |conn| delivery.mark_suppressed(conn, None, at(2)),
        );
        assert!(
            matches!(&refused, Err(error) if error.is_stale_entry()),
            "{level}: {refused:?}"
        );
    }
}

/// A call that is a transaction by itself is run again inside, so that an application whose default is another level
/// needs no loop of its own.
#[test]
fn calls_outside_of_a_transaction_are_run_again() {
    for level in LEVELS {
        let database = database();
        let mut conn = connect(&database);
        let delivery = delivery(&mut conn);
        at_once(&database, 3, |worker, conn| {
            sql_query(format!("SET default_transaction_isolation = '{level}'"))
                .execute(conn)
                .unwrap();
            for round in 0..15 {
                let seconds = 1 + round * 3 + worker as i64;
                let single = event(EventType::Opened, seconds).delivery(delivery.id);
                let batch: Vec<NewEvent> = (0..3)
                    .map(|index| {
                        let key = format!("{round}:{index}"); // every worker records the same
                        event(EventType::Clicked, 100 + round)
                            .delivery(delivery.id)
                            .idempotency_key(key)
                    })
                    .collect();
                ledger::record(conn, &[single]).unwrap();
                ledger::record(conn, &batch).unwrap();
                projection::rebuild(conn, TENANT, delivery.id).unwrap();
                sweep_now(conn);
            }
        });
        assert_eq!(
            reload(&mut conn, &delivery).timeline(&mut conn).unwrap().len(),
            1 + 3 * 15 + 3 * 15
        );
        is_exact(&mut conn, &delivery);
    }
}
