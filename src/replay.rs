//! Replays: entries of a batch whose idempotency key was taken when they came to land.

use std::collections::HashMap;

use uuid::Uuid;

use crate::error::{Error, Result};

/// A row that was there first, the entry that met it, and the fields in which the two differ.
pub(crate) type Replay<Row> = (Row, Uuid, Vec<String>);

/// Fills the outcomes of the entries that were skipped, or refuses the first one whose key something else holds.
///
/// `entries` names each entry's own id and key. The replays were read inside the entries' tenants, and no row that holds a
/// key can be invisible by now: an entry that found none has met a key of another tenant.
pub(crate) fn settle<'a, Row, Outcome>(
    outcomes: Vec<Option<Outcome>>,
    entries: impl Iterator<Item = (Uuid, Option<&'a str>)>,
    replays: Vec<Replay<Row>>,
    replayed: fn(Row) -> Outcome,
) -> Result<Vec<Outcome>> {
    let mut replays: HashMap<Uuid, (Row, Vec<String>)> = replays
        .into_iter()
        .map(|(row, entry, differing)| (entry, (row, differing)))
        .collect();
    outcomes
        .into_iter()
        .zip(entries)
        .enumerate()
        .map(|(index, (outcome, (id, key)))| {
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            let fields = match replays.remove(&id) {
                Some((row, differing)) if differing.is_empty() => return Ok(replayed(row)),
                Some((_, differing)) => differing,
                None => vec!["tenant_id".to_owned()],
            };
            Err(Error::IdempotencyConflict {
                key: key.unwrap_or_default().to_owned(),
                index,
                fields,
            })
        })
        .collect()
}
