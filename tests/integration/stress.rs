//! Recorders, sweepers and an application at the same time: recorders that record the same webhooks in different batches,
//! sweepers, and an application that inserts and updates deliveries. No event or update is lost, nothing deadlocks, and
//! each projection equals the fold of its timeline.

mod terminated_connections;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::projection::{self, Projection, fold};
use mailglass::schema::mailglass_deliveries;
use mailglass::{Delivery, DeliveryChanges, EventType, NewDelivery, NewEvent, ledger};
use serde_json::json;

use crate::support::{TENANT, at, at_once, connect, count_events, database, eager, event, reload, sweep_now, to};

const RECORDERS: usize = 8;
const SWEEPERS: usize = 2;
const DELIVERIES: usize = 40;
const WEBHOOKS_EACH: usize = 6;

/// The items in an order that differs between workers and is the same in every run.
fn shuffled<T: Clone>(items: &[T], worker: usize) -> Vec<T> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|item| {
        let mut hasher = DefaultHasher::new();
        (worker, item).hash(&mut hasher);
        hasher.finish()
    });
    order.into_iter().map(|item| items[item].clone()).collect()
}

fn new_delivery(number: usize) -> NewDelivery {
    to(&format!("{number}@example.com")).idempotency_key(format!("delivery:{number}"))
}

/// Events of each delivery by its message id. Most are recorded before the delivery has that message id.
fn webhooks() -> Vec<NewEvent> {
    let types = [
        EventType::Sent,
        EventType::Delivered,
        EventType::Opened,
        EventType::Clicked,
        EventType::Bounced,
        EventType::Complained,
    ];
    let of = |delivery: usize| {
        (0..WEBHOOKS_EACH).map(move |number| {
            event(
                types[(delivery + number) % types.len()],
                (10 + delivery * 7 + number * 13) as i64 % 50,
            )
            .provider_message("ses", format!("m{delivery}"))
            .idempotency_key(format!("ses:{delivery}:{number}"))
        })
    };
    (0..DELIVERIES).flat_map(of).collect()
}

/// Counts a worker as done when it returns or panics. The sweepers wait for all workers.
struct DoneOnDrop<'a>(&'a AtomicUsize);

impl Drop for DoneOnDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn run_all_workers(isolation: &str) {
    let database = database();
    let webhooks = webhooks();
    let recorded = AtomicUsize::new(0);
    let recording = AtomicUsize::new(RECORDERS + 1);
    at_once(&database, RECORDERS + SWEEPERS + 1, |worker, conn| {
        sql_query(format!("SET default_transaction_isolation = '{isolation}'"))
            .execute(conn)
            .unwrap();
        let _done = (worker < RECORDERS || worker == RECORDERS + SWEEPERS).then(|| DoneOnDrop(&recording));
        if worker < RECORDERS {
            // The size and order of the batches differ between recorders.
            for batch in shuffled(&webhooks, worker).chunks(1 + worker * 5) {
                let appended = until_serialized(|| ledger::record(conn, batch));
                let fresh = appended.iter().filter(|appended| !appended.is_replay()).count();
                recorded.fetch_add(fresh, Ordering::Relaxed);
            }
        } else if worker < RECORDERS + SWEEPERS {
            while recording.load(Ordering::Relaxed) > 0 {
                until_serialized(|| mailglass::reconciler::sweep(conn, &eager()));
            }
        } else {
            application(conn);
        }
    });

    let mut conn = connect(&database);
    let swept = sweep_now(&mut conn);
    assert_eq!((swept.waiting, swept.ambiguous, swept.expired), (0, 0, 0));
    assert_eq!(
        recorded.into_inner(),
        webhooks.len(),
        "each webhook was new to exactly one recorder"
    );
    // The first event, the dispatched event, and the webhooks.
    assert_eq!(count_events(&mut conn) as usize, DELIVERIES * (2 + WEBHOOKS_EACH));
    let deliveries: Vec<Delivery> = mailglass_deliveries::table
        .select(Delivery::as_select())
        .load(&mut conn)
        .unwrap();
    assert_eq!(deliveries.len(), DELIVERIES);
    for delivery in deliveries {
        let timeline = delivery.timeline(&mut conn).unwrap();
        assert_eq!(timeline.len(), 2 + WEBHOOKS_EACH);
        assert_eq!(Some(Projection::from(&delivery)), fold(&timeline));
        assert_eq!(delivery.metadata["updates"], 3, "no update was lost");
    }
    assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    assert_eq!(projection::rebuild_all(&mut conn, TENANT).unwrap(), 0);
}

/// Inserts each delivery twice, marks it as dispatched, and counts its own updates. The recorders may change the row between
/// any two of these calls.
fn application(conn: &mut PgConnection) {
    for number in 0..DELIVERIES {
        let delivery = until_serialized(|| new_delivery(number).insert(conn)).into_delivery();
        let again = until_serialized(|| new_delivery(number).insert(conn));
        assert_eq!(again.delivery().id, delivery.id);
        until_current(conn, delivery, |conn, delivery| {
            delivery.mark_dispatched(conn, "ses", format!("m{number}"), at(1))
        });
    }
    for number in (0..DELIVERIES).flat_map(|number| [number; 3]) {
        let delivery = until_serialized(|| new_delivery(number).insert(conn)).into_delivery();
        until_current(conn, delivery, |conn, delivery| {
            let updates = delivery.metadata["updates"].as_i64().unwrap_or(0) + 1;
            let changes = DeliveryChanges {
                metadata: Some(json!({ "updates": updates })),
                ..DeliveryChanges::default()
            };
            delivery.update(conn, &changes)
        });
    }
}

/// Reads the row again and repeats the change after a stale entry, as the docs of the error ask for.
fn until_current(
    conn: &mut PgConnection,
    mut delivery: Delivery,
    change: impl Fn(&mut PgConnection, &Delivery) -> mailglass::Result<Delivery>,
) {
    loop {
        match change(conn, &delivery) {
            Err(error) if error.is_stale_entry() => delivery = reload(conn, &delivery),
            Err(error) if error.is_serialization_failure() => {}
            changed => return drop(changed.unwrap()),
        }
    }
}

/// Repeats the call after a serialization failure, as the docs of the error ask for. Above READ COMMITTED, this many
/// workers may exhaust the attempts that a call makes by itself.
fn until_serialized<T>(mut call: impl FnMut() -> mailglass::Result<T>) -> T {
    loop {
        match call() {
            Err(error) if error.is_serialization_failure() => {}
            outcome => return outcome.unwrap(),
        }
    }
}

#[test]
fn nothing_is_lost_under_read_committed() {
    run_all_workers("read committed");
}

#[test]
fn nothing_is_lost_under_repeatable_read() {
    run_all_workers("repeatable read");
}

#[test]
fn nothing_is_lost_under_serializable() {
    run_all_workers("serializable");
}
