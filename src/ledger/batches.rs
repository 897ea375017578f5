//! Recording events from an iterator, in batches.

use diesel::prelude::*;

use super::outcome::Appended;
use super::record::record;
use crate::error::Result;
use crate::models::NewEvent;
use crate::validation::MAX_BATCH;

/// Records the events of an iterator in batches, each as [`record`] does. At most one batch is in memory.
///
/// The returned iterator is lazy: each step records one batch and yields its outcomes. `size` is clamped to between 1 and
/// [`MAX_BATCH`](crate::MAX_BATCH); 1,000 is a good value. Choose a smaller one for large events, because a batch of more than
/// [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES) is rejected. A batch that fails yields an error and does not affect the other
/// batches; the caller decides whether to continue.
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{EventType, NewEvent, ledger};
///
/// let export = (0..2_500).map(|number| {
///     NewEvent::new("acme", EventType::Opened, chrono::Utc::now()).tenant_idempotency_key(format!("export:{number}"))
/// });
/// let mut recorded = 0;
/// for outcomes in ledger::record_batches(conn, export, 1_000) {
///     recorded += outcomes?.iter().filter(|outcome| !outcome.is_replay()).count();
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

/// The iterator of [`record_batches`].
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
        (!batch.is_empty()).then(|| record(self.conn, batch))
    }
}
