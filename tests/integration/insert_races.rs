//! Concurrent inserts of the same delivery: one inserts it and the others are replays, whichever unique index reports the
//! conflict.

use std::collections::HashSet;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use mailglass::{Delivery, Inserted, NewDelivery};
use uuid::Uuid;

use crate::support::{
    Database, at_once, backend_pid, connect, connected, database, insert, to, wait_until_blocked, wrong_fields,
};

const ROUNDS: usize = 150;

/// A delivery with a value in each of the three unique indexes.
fn unique_three_times(number: usize, id: Uuid) -> NewDelivery {
    to(&format!("{number}@example.com"))
        .id(id)
        .idempotency_key(format!("delivery:{number}"))
        .provider("ses")
        .provider_message_id(format!("m-{number}"))
}

fn assert_same_rows(returned: Vec<Vec<Delivery>>) {
    let rows = returned[0].len();
    for row in 0..rows {
        let ids: HashSet<Uuid> = returned.iter().map(|deliveries| deliveries[row].id).collect();
        assert_eq!(ids.len(), 1, "all connections get the same row");
    }
}

#[test]
fn racing_inserts_with_a_key_an_id_and_a_provider_message_get_the_same_row() {
    let database = database();
    let ids: Vec<Uuid> = (0..ROUNDS).map(|_| Uuid::now_v7()).collect();
    assert_same_rows(at_once(&database, 8, |_, conn| {
        let insert = |number| insert(conn, &unique_three_times(number, ids[number]));
        (0..ROUNDS).map(insert).collect()
    }));
}

#[test]
fn racing_batches_get_the_same_rows() {
    let database = database();
    let ids: Vec<Uuid> = (0..200).map(|_| Uuid::now_v7()).collect();
    let returned = at_once(&database, 4, |worker, conn| {
        let mut batch: Vec<NewDelivery> = (0..200).map(|number| unique_three_times(number, ids[number])).collect();
        batch.rotate_left(worker * 50);
        let mut inserted = NewDelivery::insert_all(conn, &batch).unwrap();
        inserted.rotate_right(worker * 50);
        inserted.into_iter().map(|inserted| inserted.into_delivery()).collect()
    });
    assert_same_rows(returned);
}

/// Inserts a delivery, and inserts it again on a second connection before the first one commits. Returns both results.
fn insert_while_another_commits(
    database: &Database,
    observer: &mut PgConnection,
    new: &NewDelivery,
) -> (Delivery, mailglass::Result<Inserted>) {
    let mut first = connect(database);
    AnsiTransactionManager::begin_transaction(&mut first).unwrap();
    let inserted = insert(&mut first, new);
    std::thread::scope(|scope| {
        let mut second = connect(database);
        let pid = backend_pid(&mut second);
        let waiting = scope.spawn(move || new.insert(&mut second));
        wait_until_blocked(observer, pid);
        AnsiTransactionManager::commit_transaction(&mut first).unwrap();
        (inserted, waiting.join().unwrap())
    })
}

/// With each combination of unique values, the second insert may wait at another index.
#[test]
fn an_insert_that_waited_for_the_same_delivery_is_a_replay() {
    let (database, mut observer) = connected();
    type Shape = fn(NewDelivery, Uuid) -> NewDelivery;
    let shapes: [Shape; 3] = [
        |delivery, id| delivery.id(id),
        |delivery, _| delivery.provider("ses").provider_message_id("m"),
        |delivery, id| delivery.id(id).provider("ses").provider_message_id("m"),
    ];
    for (number, shape) in shapes.into_iter().enumerate() {
        let new = shape(
            to(&format!("{number}@example.com")).idempotency_key(format!("{number}")),
            Uuid::now_v7(),
        );
        let (inserted, replayed) = insert_while_another_commits(&database, &mut observer, &new);
        assert_eq!(replayed.unwrap().into_delivery(), inserted);
    }
}

/// Without an idempotency key, an insert with a taken provider message is no replay.
#[test]
fn an_insert_without_a_key_that_waited_is_invalid() {
    let (database, mut observer) = connected();
    let new = to("ann@example.com").provider("ses").provider_message_id("m");
    let (_, refused) = insert_while_another_commits(&database, &mut observer, &new);
    assert_eq!(wrong_fields(&refused.unwrap_err()), ["provider_message_id"]);
}

/// The row that holds the key may be deleted before the insert reads it.
#[test]
fn an_insert_is_repeated_if_the_row_that_held_its_key_is_deleted() {
    let database = database();
    at_once(&database, 4, |_, conn| {
        for _ in 0..100 {
            let row = insert(conn, &to("ann@example.com").idempotency_key("contended"));
            diesel::delete(mailglass::schema::mailglass_deliveries::table.find(row.id))
                .execute(conn)
                .unwrap();
        }
    });
}
