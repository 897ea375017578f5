//! Replays: entries of a batch whose idempotency key was taken when they were inserted.

use std::collections::HashMap;

use uuid::Uuid;

use crate::error::{Error, Result};

/// An entry of a batch on its way into the database.
pub(crate) trait Entry {
    /// The id of this very entry: no other one of the batch has it.
    fn entry_id(&self) -> Uuid;

    fn idempotency_key(&self) -> Option<&str>;
}

/// A row that was there first, the entry that found its key taken, and the fields in which the two differ.
pub(crate) type Replay<Row> = (Row, Uuid, Vec<String>);

/// What became of an entry.
pub(crate) enum Settled<Row> {
    Inserted(Row),
    Replayed(Row),
    /// The row that holds the key, unless it is another tenant's, and the fields in which it differs.
    Conflicting(Option<Row>, Vec<String>),
}

/// Says what became of each entry, given the rows of those that were inserted.
///
/// `read` finds the rows that were there first. It looks inside the entries' tenants, and no row that holds a key can be
/// invisible to a further statement: an entry for which it finds none has met a key of another tenant.
pub(crate) fn settle<E: Entry, Row>(
    entries: &[E],
    inserted: Vec<Option<Row>>,
    read: impl FnOnce(Vec<&E>) -> Result<Vec<Replay<Row>>>,
) -> Result<Vec<Settled<Row>>> {
    let skipped: Vec<&E> = (entries.iter().zip(&inserted))
        .filter_map(|(entry, row)| row.is_none().then_some(entry))
        .collect();
    let replays = if skipped.is_empty() { Vec::new() } else { read(skipped)? };
    let mut replays: HashMap<Uuid, (Row, Vec<String>)> = replays
        .into_iter()
        .map(|(row, entry, differing)| (entry, (row, differing)))
        .collect();
    let settled = entries.iter().zip(inserted).map(|(entry, row)| match row {
        Some(row) => Settled::Inserted(row),
        None => match replays.remove(&entry.entry_id()) {
            Some((row, differing)) if differing.is_empty() => Settled::Replayed(row),
            Some((row, differing)) => Settled::Conflicting(Some(row), differing),
            None => Settled::Conflicting(None, vec!["tenant_id".to_owned()]),
        },
    });
    Ok(settled.collect())
}

/// The error of an entry whose key something else holds.
pub(crate) fn conflict(entry: &impl Entry, index: usize, fields: Vec<String>) -> Error {
    Error::IdempotencyConflict {
        key: entry.idempotency_key().unwrap_or_default().to_owned(),
        index,
        fields,
    }
}
