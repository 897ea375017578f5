//! Recording without end: events from an iterator, a batch at a time.

use diesel::prelude::*;

use super::{Appended, record};
use crate::error::Result;
use crate::models::NewEvent;
use crate::validation::MAX_BATCH;

/// Records events from an iterator in batches, each as [`record`] does: however many there are, no more than one batch of
/// them is in memory.
///
/// Each step of the iterator that it returns records one batch of `size` events (at least 1, at most
/// [`MAX_BATCH`](crate::MAX_BATCH); 1,000 is a good size) and gives its answers. A batch that fails is an error and leaves
/// the others as they are; whether to go on is the caller's to decide. If events are large, choose a smaller `size`: a batch of
/// more than [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES) is refused. Nothing happens until it is iterated over.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{EventType, NewEvent, ledger};
///
/// let export = (0..2_500).map(|number| {
///     NewEvent::new("acme", EventType::Opened, chrono::Utc::now()).idempotency_key(format!("export:{number}"))
/// });
/// let mut recorded = 0;
/// for answers in ledger::record_batches(conn, export, 1_000) {
///     recorded += answers?.iter().filter(|answer| !answer.is_replay()).count();
/// }
/// assert_eq!(recorded, 2_500);
/// # Ok(())
/// # });
/// ```
pub fn record_batches<I>(conn: &mut PgConnection, events: I, size: usize) -> RecordBatches<'_, I::IntoIter>
where
    I: IntoIterator<Item = NewEvent>,
{
    RecordBatches {
        conn,
        events: events.into_iter(),
        size: size.clamp(1, MAX_BATCH),
    }
}

/// What [`record_batches`] returns.
#[must_use = "nothing is recorded until it is iterated over"]
pub struct RecordBatches<'a, I> {
    conn: &'a mut PgConnection,
    events: I,
    size: usize,
}

impl<I: Iterator<Item = NewEvent>> Iterator for RecordBatches<'_, I> {
    type Item = Result<Vec<Appended>>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch: Vec<NewEvent> = self.events.by_ref().take(self.size).collect();
        (!batch.is_empty()).then(|| record(self.conn, &batch))
    }
}
