//! Under REPEATABLE READ and SERIALIZABLE, a call in a transaction either has the right result or fails with a serialization
//! failure, after which the caller retries the transaction. A call outside of a transaction is retried by the crate.

use std::slice;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::projection::{self, Projection, fold};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, Error, EventType, NewDelivery, NewEvent, ledger};

use crate::support::{
    TENANT, at, at_once, connect, connected, database, delivery, event, insert, reload, sweep_now, to,
};

const LEVELS: [&str; 2] = ["REPEATABLE READ", "SERIALIZABLE"];

/// Runs `work` in a transaction whose snapshot is taken before `meanwhile` is run on another connection.
fn with_old_snapshot<T>(
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

fn assert_projected(conn: &mut PgConnection, delivery: &Delivery) {
    let row = reload(conn, delivery);
    assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

#[test]
fn recording_on_a_delivery_that_changed_since_the_snapshot_is_a_serialization_failure() {
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
        let failed = with_old_snapshot(&mut conn, level, theirs, |conn| {
            ledger::record(conn, slice::from_ref(&ours))
        });
        assert!(
            matches!(&failed, Err(Error::SerializationFailure(_))),
            "{level}: {failed:?}"
        );
        let again = with_old_snapshot(
            &mut conn,
            level,
            || {},
            |conn| ledger::record(conn, slice::from_ref(&ours)),
        )
        .unwrap();
        assert!(!again[0].is_replay(), "the first attempt was rolled back");
        assert_projected(&mut conn, &delivery);
        let row = reload(&mut conn, &delivery);
        assert_eq!((row.bounced_at, row.last_event_at), (Some(at(5)), at(7)));
    }
}

#[test]
fn a_key_inserted_since_the_snapshot_is_a_serialization_failure_and_then_a_replay() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let delivery = delivery(&mut conn);
        let webhook = event(EventType::Delivered, 5)
            .delivery(delivery.id)
            .idempotency_key("webhook");
        let events = [webhook.clone(), event(EventType::Opened, 6).delivery(delivery.id)];
        let theirs = || drop(ledger::record(&mut other, slice::from_ref(&webhook)).unwrap());
        let failed = with_old_snapshot(&mut conn, level, theirs, |conn| ledger::record(conn, &events));
        assert!(
            matches!(&failed, Err(error) if error.is_serialization_failure()),
            "{level}: {failed:?}"
        );
        let again = with_old_snapshot(&mut conn, level, || {}, |conn| ledger::record(conn, &events)).unwrap();
        assert_eq!([again[0].is_replay(), again[1].is_replay()], [true, false]);
        assert_projected(&mut conn, &delivery);

        let new = to("bob@example.com").idempotency_key("bob");
        let theirs = || drop(insert(&mut other, &new));
        let failed = with_old_snapshot(&mut conn, level, theirs, |conn| new.insert(conn));
        assert!(
            matches!(&failed, Err(error) if error.is_serialization_failure()),
            "{level}: {failed:?}"
        );
        let again = with_old_snapshot(
            &mut conn,
            level,
            || {},
            |conn| NewDelivery::insert_all(conn, slice::from_ref(&new)),
        )
        .unwrap();
        assert!(again[0].is_replay());
    }
}

/// The snapshot does not show the delivery, so the event is an orphan.
#[test]
fn an_event_of_a_delivery_inserted_since_the_snapshot_is_linked_later() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let mut inserted = None;
        let theirs = || {
            let sent = to("ann@example.com").provider("ses").provider_message_id("m1");
            inserted = Some(insert(&mut other, &sent));
        };
        let early = event(EventType::Delivered, 5).provider_message("ses", "m1");
        let recorded = with_old_snapshot(&mut conn, level, theirs, |conn| ledger::record(conn, &[early])).unwrap();
        assert!(recorded[0].event().needs_reconciliation, "{level}");
        assert_eq!(sweep_now(&mut conn).linked, 1);
        let inserted = inserted.unwrap();
        assert_projected(&mut conn, &inserted);
        assert_eq!(reload(&mut conn, &inserted).delivered_at, Some(at(5)));
    }
}

#[test]
fn an_update_of_a_delivery_that_changed_since_the_snapshot_is_a_serialization_failure() {
    for level in LEVELS {
        let (database, mut conn) = connected();
        let mut other = connect(&database);
        let delivery = delivery(&mut conn);
        let theirs = || drop(delivery.mark_dispatched(&mut other, "ses", "m1", at(1)).unwrap());
        let failed = with_old_snapshot(&mut conn, level, theirs, |conn| {
            delivery.mark_suppressed(conn, None, at(2))
        });
        assert!(
            matches!(&failed, Err(error) if error.is_serialization_failure()),
            "{level}: {failed:?}"
        );
        // A new snapshot shows that the copy is stale.
        let failed = with_old_snapshot(
            &mut conn,
            level,
            || {},
            |conn| delivery.mark_suppressed(conn, None, at(2)),
        );
        assert!(
            matches!(&failed, Err(error) if error.is_stale_entry()),
            "{level}: {failed:?}"
        );
    }
}

/// Applications that change the default isolation level need no retry loop around such calls.
#[test]
fn calls_outside_of_a_transaction_are_retried() {
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
                        let key = format!("{round}:{index}"); // the same for every worker
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
        assert_projected(&mut conn, &delivery);
    }
}
