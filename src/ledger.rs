//! The ledger: append events once, and project them onto their deliveries.
//!
//! [`record`] and [`record_each`] append and project, [`record_batches`] does so for an iterator of events, and [`append`] only
//! appends. Recorded events never change.

mod batches;
mod outcome;
mod params;
mod record;

pub use batches::{RecordBatches, record_batches};
pub use outcome::{Appended, Outcome};
pub use record::{append, record, record_each};
