//! What is wrong with a chain of checkpoints, or differs between it and the ledger.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::checkpoint::CheckpointSlice;
use super::digest::Digest;

/// A problem with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckpointDifference {
    /// The position of the checkpoint in the chain, from 0.
    pub checkpoint: usize,
    /// The problem.
    pub problem: CheckpointProblem,
}

/// What is wrong with a checkpoint, or differs between it and the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckpointProblem {
    /// Events of a slice were changed, removed or added.
    EventsDiffer {
        /// The start of the slice.
        start: DateTime<Utc>,
        /// What the checkpoint says; `None` if it has no events in this slice.
        sealed: Option<CheckpointSlice>,
        /// What the ledger has; `None` if it has no events in this slice.
        found: Option<CheckpointSlice>,
    },
    /// It is a checkpoint of another tenant.
    OtherTenant,
    /// Its slices are not in order, or outside of its range.
    Malformed,
    /// Its content was changed: it has another digest than it says.
    DigestDiffers {
        /// The digest of its content.
        computed: Digest,
    },
    /// It does not follow the checkpoint before: one was removed, inserted or replaced.
    PreviousDiffers {
        /// The digest of the checkpoint before.
        expected: Option<Digest>,
        /// What it names.
        found: Option<Digest>,
    },
    /// Its range does not begin where the one before ends, or it does not have the range of the checkpoint that it replaces.
    RangeDiffers,
    /// It replaces a checkpoint that is not in the chain before it, or that another one has replaced already.
    ReplacesUnknown,
    /// It names another number of removed events than those that it has less than the checkpoint that it replaces.
    RemovedDiffers,
    /// It has no signature.
    NotSigned,
    /// The caller rejected its signature.
    SignatureRejected,
}

impl fmt::Display for CheckpointDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checkpoint {}: {}", self.checkpoint, self.problem)
    }
}

impl fmt::Display for CheckpointProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointProblem::EventsDiffer { start, sealed, found } => {
                let [sealed, found] = [sealed, found].map(|slice| slice.map_or(0, |slice| slice.events));
                let start = start.format("%Y-%m-%d %H:%M UTC");
                match found.cmp(&sealed) {
                    std::cmp::Ordering::Equal => {
                        write!(f, "events appended from {start} were changed ({found} in all)")
                    }
                    _ => write!(
                        f,
                        "the ledger has {found} events appended from {start}, should have {sealed}"
                    ),
                }
            }
            CheckpointProblem::OtherTenant => f.write_str("it belongs to another tenant"),
            CheckpointProblem::Malformed => f.write_str("its slices are not in order, or outside of its range"),
            CheckpointProblem::DigestDiffers { computed } => {
                write!(f, "its content was changed: the digest is {computed}")
            }
            CheckpointProblem::PreviousDiffers { .. } => f.write_str("it does not follow the checkpoint before"),
            CheckpointProblem::RangeDiffers => f.write_str("its range does not follow from the other checkpoints"),
            CheckpointProblem::ReplacesUnknown => f.write_str("it replaces a checkpoint that is not in the chain"),
            CheckpointProblem::RemovedDiffers => f.write_str("it has a wrong number of removed events"),
            CheckpointProblem::NotSigned => f.write_str("it has no signature"),
            CheckpointProblem::SignatureRejected => f.write_str("its signature was rejected"),
        }
    }
}
