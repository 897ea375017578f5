//! Recording events from an iterator in batches.

use std::cell::Cell;

use mailglass::{EventType, MAX_BATCH, NewEvent, ledger};

use crate::support::{connected, count_events, event};

fn events(count: usize) -> impl Iterator<Item = NewEvent> {
    (0..count).map(|number| event(EventType::Opened, number as i64).idempotency_key(number.to_string()))
}

#[test]
fn every_event_is_recorded_in_order_and_the_last_batch_is_smaller() {
    let (_database, mut conn) = connected();
    let batches: Vec<_> = ledger::record_batches(&mut conn, events(10), 4)
        .map(Result::unwrap)
        .collect();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    let keys: Vec<String> = batches
        .concat()
        .iter()
        .filter_map(|appended| appended.event().idempotency_key.clone())
        .collect();
    assert_eq!(keys, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(ledger::record_batches(&mut conn, events(0), 4).next().is_none());
    let again = ledger::record_batches(&mut conn, events(12), 5).flat_map(Result::unwrap);
    assert_eq!(
        again.map(|appended| appended.is_replay()).collect::<Vec<_>>(),
        [[true; 10].as_slice(), &[false; 2]].concat()
    );
}

#[test]
fn a_failing_batch_does_not_affect_the_others() {
    let (_database, mut conn) = connected();
    let with_an_invalid_one = events(9).enumerate().map(|(number, event)| match number {
        4 => event.trace_id("nul \0"),
        _ => event,
    });
    let outcomes: Vec<bool> = ledger::record_batches(&mut conn, with_an_invalid_one, 3)
        .map(|batch| batch.is_ok())
        .collect();
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(count_events(&mut conn), 6);
}

#[test]
fn the_iterator_is_consumed_one_batch_at_a_time() {
    let (_database, mut conn) = connected();
    let taken = Cell::new(0);
    let counted = events(100).inspect(|_| taken.set(taken.get() + 1));
    let mut batches = ledger::record_batches(&mut conn, counted, 7);
    assert_eq!(taken.get(), 0, "record_batches is lazy");
    batches.next().unwrap().unwrap();
    assert_eq!(taken.get(), 7);
}

#[test]
fn a_batch_size_out_of_bounds_is_clamped() {
    let (_database, mut conn) = connected();
    assert_eq!(ledger::record_batches(&mut conn, events(2), 0).count(), 2);
    assert_eq!(ledger::record_batches(&mut conn, events(3), MAX_BATCH + 1).count(), 1);
}
