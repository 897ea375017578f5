//! Events from an iterator, a batch at a time.

use std::cell::Cell;

use mailglass::{EventType, MAX_BATCH, NewEvent, ledger};

use crate::support::{connected, count_events, event};

fn events(count: usize) -> impl Iterator<Item = NewEvent> {
    (0..count).map(|number| event(EventType::Opened, number as i64).idempotency_key(number.to_string()))
}

#[test]
fn every_event_is_recorded_in_order_and_the_last_batch_is_what_is_left() {
    let (_database, mut conn) = connected();
    let answers: Vec<_> = ledger::record_batches(&mut conn, events(10), 4)
        .map(Result::unwrap)
        .collect();
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    let keys: Vec<String> = answers
        .concat()
        .iter()
        .filter_map(|it| it.event().idempotency_key.clone())
        .collect();
    assert_eq!(keys, (0..10).map(|it| it.to_string()).collect::<Vec<_>>());
    assert!(ledger::record_batches(&mut conn, events(0), 4).next().is_none());
    let again = ledger::record_batches(&mut conn, events(12), 5).flat_map(Result::unwrap);
    assert_eq!(
        again.map(|it| it.is_replay()).collect::<Vec<_>>(),
        [[true; 10].as_slice(), &[false; 2]].concat()
    );
}

#[test]
fn a_batch_that_fails_leaves_the_others_as_they_are() {
    let (_database, mut conn) = connected();
    let with_a_wrong_one = events(9).enumerate().map(|(number, it)| match number {
        4 => it.trace_id("nul \0"),
        _ => it,
    });
    let outcomes: Vec<bool> = ledger::record_batches(&mut conn, with_a_wrong_one, 3)
        .map(|it| it.is_ok())
        .collect();
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(count_events(&mut conn), 6);
}

/// It takes no more from the iterator than the batch that it is asked for.
#[test]
fn only_one_batch_is_in_memory() {
    let (_database, mut conn) = connected();
    let taken = Cell::new(0);
    let counted = events(100).inspect(|_| taken.set(taken.get() + 1));
    let mut batches = ledger::record_batches(&mut conn, counted, 7);
    assert_eq!(taken.get(), 0, "nothing happens until it is iterated over");
    batches.next().unwrap().unwrap();
    assert_eq!(taken.get(), 7);
}

#[test]
fn a_size_out_of_bounds_is_the_nearest_that_is_possible() {
    let (_database, mut conn) = connected();
    assert_eq!(ledger::record_batches(&mut conn, events(2), 0).count(), 2);
    assert_eq!(ledger::record_batches(&mut conn, events(3), MAX_BATCH + 1).count(), 1);
}
