//! Comparing the ledger with checkpoints.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::chain::Chain;
use super::checkpoint::{Checkpoint, CheckpointSlice};
use super::difference::{CheckpointDifference, CheckpointProblem};
use super::digest::{Digest, digests};
use super::slices::{self, Range};
use crate::error::Result;

/// The result of comparing the ledger with checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// Every problem, by the position of the checkpoint.
    pub differences: Vec<CheckpointDifference>,
    /// How many checkpoints were compared with the ledger. Those that a later one replaces are not.
    pub compared: usize,
    /// How many events the ledger has in their ranges.
    pub events: u64,
    /// The start of the first range; `None` is the beginning of the ledger. Nothing is said about events that were appended
    /// earlier.
    pub from: Option<DateTime<Utc>>,
    /// The end of the last range. Nothing is said about events that were appended later. `None` if there is no checkpoint.
    pub until: Option<DateTime<Utc>>,
    /// The digest of the last checkpoint. Compare it with a copy that is kept elsewhere: a chain from which the last
    /// checkpoints were removed has no difference.
    pub head: Option<Digest>,
}

impl CheckpointReport {
    /// Whether there is no difference.
    pub fn is_ok(&self) -> bool {
        self.differences.is_empty()
    }

    fn add(&mut self, checkpoint: usize, problem: CheckpointProblem) {
        self.differences.push(CheckpointDifference { checkpoint, problem });
    }
}

/// Compares a tenant's ledger with a chain of checkpoints, and reports every difference.
///
/// Pass all checkpoints in the order in which they were made, or the last ones: the report says which range they cover. Each
/// event of the range is read once. It changes nothing and locks no row, so it can run at any time, also on a replica that has
/// replayed the range.
///
/// It does not check signatures: see [`verify_signed_checkpoints`].
///
/// ```
/// # test_support::with_database(|conn| {
/// # use mailglass::ledger::{self, CheckpointOptions};
/// # let chain = [ledger::checkpoint(conn, "acme", None, &CheckpointOptions::default())?.into_checkpoint()?];
/// let report = ledger::verify_checkpoints(conn, "acme", &chain)?;
/// for difference in &report.differences {
///     eprintln!("{difference}"); // checkpoint 0: the ledger has 4 events appended from 2026-11-21 00:00 UTC, should have 5
/// }
/// assert!(report.is_ok());
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn verify_checkpoints(
    conn: &mut PgConnection,
    tenant_id: &str,
    checkpoints: &[Checkpoint],
) -> Result<CheckpointReport> {
    compare(conn, tenant_id, checkpoints, |conn, checkpoint| {
        slices::of_ledger(conn, &Range::of(tenant_id, checkpoint))
    })
}

/// [`verify_checkpoints`] for checkpoints that are signed. `verify` gets the [bytes](Checkpoint::bytes) and the signature of each,
/// and returns whether the signature is right. A checkpoint without a signature is a difference.
///
/// ```
/// # test_support::with_database(|conn| {
/// # use mailglass::ledger::{self, CheckpointOptions};
/// # fn sign(_: &[u8]) -> String { "signature".to_owned() }
/// # fn is_signature_of(_: &[u8], signature: &str) -> bool { signature == "signature" }
/// let checkpoint = ledger::checkpoint(conn, "acme", None, &CheckpointOptions::default())?.into_checkpoint()?;
/// let signature = sign(&checkpoint.bytes());
/// let chain = [checkpoint.signed(signature)];
/// let report = ledger::verify_signed_checkpoints(conn, "acme", &chain, is_signature_of)?;
/// assert!(report.is_ok());
/// # Ok(()) });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn verify_signed_checkpoints(
    conn: &mut PgConnection,
    tenant_id: &str,
    checkpoints: &[Checkpoint],
    mut verify: impl FnMut(&[u8], &str) -> bool,
) -> Result<CheckpointReport> {
    let mut report = verify_checkpoints(conn, tenant_id, checkpoints)?;
    for (position, checkpoint) in checkpoints.iter().enumerate() {
        match &checkpoint.signature {
            None => report.add(position, CheckpointProblem::NotSigned),
            Some(signature) if !verify(&checkpoint.bytes(), signature) => {
                report.add(position, CheckpointProblem::SignatureRejected);
            }
            Some(_) => {}
        }
    }
    report.differences.sort_by_key(|difference| difference.checkpoint);
    Ok(report)
}

/// Checks the chain, and compares each checkpoint that no later one replaces with the slices that are found.
pub(super) fn compare(
    conn: &mut PgConnection,
    tenant_id: &str,
    checkpoints: &[Checkpoint],
    mut found: impl FnMut(&mut PgConnection, &Checkpoint) -> Result<Vec<CheckpointSlice>>,
) -> Result<CheckpointReport> {
    /// How many checkpoints are sent at once.
    const PART: usize = 100;

    let mut computed = Vec::new();
    for part in checkpoints.chunks(PART) {
        let bytes: Vec<Vec<u8>> = part.iter().map(Checkpoint::bytes).collect();
        computed.extend(digests(conn, &bytes)?);
    }
    let chain = Chain {
        tenant_id,
        checkpoints,
        digests: computed,
    };
    let (problems, current) = chain.check();
    let mut report = CheckpointReport {
        from: checkpoints.first().and_then(|first| first.from),
        until: checkpoints.iter().map(|checkpoint| checkpoint.until).max(),
        head: checkpoints.last().map(|last| last.digest),
        ..CheckpointReport::default()
    };
    for (position, problem) in problems {
        report.add(position, problem);
    }
    let current = current.into_iter();
    for (position, checkpoint) in current.filter_map(|position| Some((position, checkpoints.get(position)?))) {
        let slices = found(conn, checkpoint)?;
        report.compared += 1;
        report.events += slices.iter().map(|slice| slice.events).sum::<u64>();
        for problem in differences(&checkpoint.slices, &slices) {
            report.add(position, problem);
        }
    }
    report.differences.sort_by_key(|difference| difference.checkpoint);
    Ok(report)
}

impl<'a> Range<'a> {
    /// The range of a checkpoint. The tenant is the caller's, whatever the checkpoint says.
    pub(super) fn of(tenant_id: &'a str, checkpoint: &Checkpoint) -> Self {
        Range {
            tenant_id,
            from: checkpoint.from,
            until: checkpoint.until,
            slice_width: checkpoint.slice_width,
        }
    }
}

fn differences(sealed: &[CheckpointSlice], found: &[CheckpointSlice]) -> Vec<CheckpointProblem> {
    let by_start = |slices: &[CheckpointSlice]| -> BTreeMap<DateTime<Utc>, CheckpointSlice> {
        slices.iter().map(|slice| (slice.start, *slice)).collect()
    };
    let (sealed, found) = (by_start(sealed), by_start(found));
    let mut starts: Vec<DateTime<Utc>> = sealed.keys().chain(found.keys()).copied().collect();
    starts.sort_unstable();
    starts.dedup();
    let pairs = starts
        .into_iter()
        .map(|start| (start, sealed.get(&start).copied(), found.get(&start).copied()));
    let differing = pairs.filter(|(_, sealed, found)| sealed != found);
    differing
        .map(|(start, sealed, found)| CheckpointProblem::EventsDiffer { start, sealed, found })
        .collect()
}
