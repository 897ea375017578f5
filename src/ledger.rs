//! The ledger: append events once, and project them onto their deliveries.
//!
//! [`record`] and [`record_each`] append and project, [`record_batches`] does so for an iterator of events, and [`append`] only
//! appends. Recorded events never change.
//!
//! [`checkpoint`] and [`verify_checkpoints`] find out whether somebody who can disable the guard changed them nevertheless.

mod batches;
mod checkpoints;
mod options;
mod outcome;
mod params;
mod record;

pub use batches::{RecordBatches, record_batches};
pub use checkpoints::{
    Checkpoint, CheckpointDifference, CheckpointOptions, CheckpointProblem, CheckpointReport, CheckpointSlice,
    Checkpointed, Digest, OpenTransaction, Renewal, SliceWidth, checkpoint, renew_checkpoints, verify_checkpoints,
    verify_signed_checkpoints,
};
pub use options::RecordOptions;
pub use outcome::{Appended, Outcome};
pub use record::{append, record, record_each, record_each_with, record_with};
