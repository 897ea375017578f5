//! Retention: old deliveries leave with all of their events, and details expire.
//!
//! The ledger rejects DELETE, and nothing here avoids that. [`cut`] builds a new ledger beside the old one, copies the events that
//! stay, and then swaps the names of the two under one short lock. The old ledger is dropped, or kept under the name
//! `mailglass_events_until_<date>` with its guard. Recording continues meanwhile. [A longer document](crate::_documentation::retention)
//! describes the steps, the locks, what is rejected, and the figures.
//!
//! # What leaves
//!
//! The age of an event is that of the earlier of `occurred_at` and `inserted_at`.
//!
//! - A **delivery** leaves if all of its facts are older than [`CutOptions::before`]. Its events, links and details leave with it. A
//!   delivery that gets an event during the cut stays, with everything.
//! - An **event that is a fact of no delivery** leaves if it is older: because its delivery was deleted, because it expired, or because
//!   it names none. While it waits for its delivery, it stays.
//! - A **delivery without facts** stays: only an INSERT that bypassed this crate can have made it.
//!
//! So every delivery that stays has all of its facts, and its projection does not change.
//!
//! # Steps
//!
//! [`begin`] and [`step`] give control between the steps, each of which is a transaction:
//!
//! ```
//! # test_support::with_database(|conn| {
//! use chrono::{Months, Utc};
//! use mailglass::retention::{self, CutOptions, Step};
//!
//! retention::begin(conn, &CutOptions::before(Utc::now() - Months::new(13)))?;
//! let report = loop {
//!     match retention::step(conn)? {
//!         Step::Continue(status) => println!("{}: {} of {}", status.phase, status.done, status.expected),
//!         Step::Finished(report) => break report,
//!     }
//! };
//! println!("{} events left, {} stay", report.events_left, report.events_kept);
//! # Ok(())
//! # });
//! ```
//!
//! The state of a cut is in the database, in the table `mailglass_cut`. After a crash, [`resume`] or [`step`] continues it, from any
//! process. Until the swap, nothing visible has changed and [`abort`] removes everything that the cut has made.
//!
//! # Details
//!
//! [`expire_details`] deletes what events say about persons, by a clock of its own. The ledger is not involved.

mod abort;
mod begin;
mod cut;
mod details;
mod ledger;
mod options;
mod preview;
mod report;
mod state;
mod step;
mod structure;
mod swap;
mod transaction;

pub use abort::abort;
pub use begin::begin;
pub use cut::{cut, resume};
pub use details::{DetailsOptions, expire_details};
pub use options::{CutOptions, OldLedger};
pub use preview::{CutPreview, preview};
pub use report::{CutReport, CutStatus, Phase};
pub use state::status;
pub use step::{Step, step};
