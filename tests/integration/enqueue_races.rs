//! Racing replays of an enqueue are replays, whichever unique index notices first.

use std::collections::HashSet;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use mailglass::{Delivery, Inserted, NewDelivery};
use scratch_postgres::Database;
use uuid::Uuid;

use crate::support::{at_once, backend_pid, connect, connected, database, to, wait_until_blocked};

const ROUNDS: usize = 150;

/// A delivery that three unique indexes know.
fn known_three_times(number: usize, id: Uuid) -> NewDelivery {
    to(&format!("{number}@example.com"))
        .id(id)
        .idempotency_key(format!("enqueue:{number}"))
        .provider("ses")
        .provider_message_id(format!("m-{number}"))
}

fn one_row_each(answers: Vec<Vec<Delivery>>) {
    let rows = answers[0].len();
    for row in 0..rows {
        let ids: HashSet<Uuid> = answers.iter().map(|answer| answer[row].id).collect();
        assert_eq!(ids.len(), 1, "all of them get the same row");
    }
}

#[test]
fn racing_inserts_with_a_key_an_id_and_a_provider_message_get_the_same_row() {
    let database = database();
    let ids: Vec<Uuid> = (0..ROUNDS).map(|_| Uuid::now_v7()).collect();
    one_row_each(at_once(&database, 8, |_, conn| {
        let insert = |number| {
            known_three_times(number, ids[number])
                .insert(conn)
                .unwrap()
                .into_delivery()
        };
        (0..ROUNDS).map(insert).collect()
    }));
}

#[test]
fn racing_batches_get_the_same_rows() {
    let database = database();
    let ids: Vec<Uuid> = (0..200).map(|_| Uuid::now_v7()).collect();
    let answers = at_once(&database, 4, |worker, conn| {
        let mut batch: Vec<NewDelivery> = (0..200).map(|number| known_three_times(number, ids[number])).collect();
        batch.rotate_left(worker * 50);
        let mut inserted = NewDelivery::insert_all(conn, &batch).unwrap();
        inserted.rotate_right(worker * 50);
        inserted.into_iter().map(|inserted| inserted.into_delivery()).collect()
    });
    one_row_each(answers);
}

/// Inserts a delivery, and once more while that is not committed yet: what the first insert answers, and the one that waited.
fn insert_while_another_commits(
    database: &Database,
    observer: &mut PgConnection,
    new: &NewDelivery,
) -> (Delivery, mailglass::Result<Inserted>) {
    let mut first = connect(database);
    AnsiTransactionManager::begin_transaction(&mut first).unwrap();
    let inserted = new.insert(&mut first).unwrap().into_delivery();
    std::thread::scope(|scope| {
        let mut second = connect(database);
        let pid = backend_pid(&mut second);
        let waiting = scope.spawn(move || new.insert(&mut second));
        wait_until_blocked(observer, pid);
        AnsiTransactionManager::commit_transaction(&mut first).unwrap();
        (inserted, waiting.join().unwrap())
    })
}

/// The second insert waits for the first one at an index of its own choice, in each of these ways to say the same.
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

/// Without a key, the same id or provider message is another delivery's.
#[test]
fn an_unkeyed_insert_that_waited_is_refused_by_name() {
    let (database, mut observer) = connected();
    let new = to("ann@example.com").provider("ses").provider_message_id("m");
    let (_, refused) = insert_while_another_commits(&database, &mut observer, &new);
    assert_eq!(
        crate::support::wrong_fields(&refused.unwrap_err()),
        ["provider_message_id"]
    );
}

/// What was in the way may be gone when it is looked for.
#[test]
fn an_insert_whose_obstacle_is_deleted_is_inserted_after_all() {
    let database = database();
    at_once(&database, 4, |_, conn| {
        for _ in 0..100 {
            let row = to("ann@example.com")
                .idempotency_key("contended")
                .insert(conn)
                .unwrap()
                .into_delivery();
            diesel::delete(mailglass::schema::mailglass_deliveries::table.find(row.id))
                .execute(conn)
                .unwrap();
        }
    });
}
