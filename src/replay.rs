//! Replays: entries of a batch whose idempotency key was taken when they came to land.

use std::collections::HashMap;

use uuid::Uuid;

use crate::error::{Error, Result};

/// An entry of a batch on its way into the database.
pub(crate) trait Entry {
    /// The id of this very entry: no other one of the batch has it.
    fn entry_id(&self) -> Uuid;

    fn idempotency_key(&self) -> Option<&str>;
}

/// A row that was there first, the entry that met it, and the fields in which the two differ.
pub(crate) type Replay<Row> = (Row, Uuid, Vec<String>);

/// Fills in the outcomes of the entries that were skipped, or refuses the first one whose key something else holds.
///
/// `read` finds the rows that were there first. It looks inside the entries' tenants, and no row that holds a key can be
/// invisible to a further statement: an entry for which it finds none has met a key of another tenant.
pub(crate) fn settle<E: Entry, Row, Outcome>(
    entries: &[E],
    outcomes: Vec<Option<Outcome>>,
    read: impl FnOnce(Vec<&E>) -> Result<Vec<Replay<Row>>>,
    replayed: fn(Row) -> Outcome,
) -> Result<Vec<Outcome>> {
    let skipped: Vec<&E> = (entries.iter().zip(&outcomes))
        .filter_map(|(entry, outcome)| outcome.is_none().then_some(entry))
        .collect();
    if skipped.is_empty() {
        return Ok(outcomes.into_iter().flatten().collect());
    }
    let mut replays: HashMap<Uuid, (Row, Vec<String>)> = read(skipped)?
        .into_iter()
        .map(|(row, entry, differing)| (entry, (row, differing)))
        .collect();
    let settled = entries
        .iter()
        .zip(outcomes)
        .enumerate()
        .map(|(index, (entry, outcome))| {
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            let fields = match replays.remove(&entry.entry_id()) {
                Some((row, differing)) if differing.is_empty() => return Ok(replayed(row)),
                Some((_, differing)) => differing,
                None => vec!["tenant_id".to_owned()],
            };
            Err(Error::IdempotencyConflict {
                key: entry.idempotency_key().unwrap_or_default().to_owned(),
                index,
                fields,
            })
        });
    settled.collect()
}
