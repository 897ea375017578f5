//! Checkpoints: digests of the ledger that a host keeps elsewhere, to find out later whether anybody changed a recorded event.
//!
//! The guard rejects changes by everybody except those who can disable it: the owner of the table and superusers. A checkpoint
//! reveals what they did. The [documentation](crate::_documentation::checkpoints) has the format byte by byte, and what a checkpoint does not reveal.

mod chain;
mod checkpoint;
mod close;
mod difference;
mod digest;
mod make;
mod options;
mod renew;
mod slices;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointSlice, SliceWidth};
pub use close::OpenTransaction;
pub use difference::{CheckpointDifference, CheckpointProblem};
pub use digest::Digest;
pub use make::{Checkpointed, checkpoint};
pub use options::CheckpointOptions;
pub use renew::{Renewal, renew_checkpoints};
pub use verify::{CheckpointReport, verify_checkpoints, verify_signed_checkpoints};
