//! The options of a cut.

use chrono::{DateTime, Utc};

/// Options of a [`cut`](super::cut).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOptions {
    /// Deliveries leave if all of their events are older than this. It must be in the past.
    pub before: DateTime<Utc>,
    /// What becomes of the old ledger.
    pub old_ledger: OldLedger,
    /// The maximum number of rows that one step reads.
    pub batch: u32,
}

/// What becomes of the old ledger, which has all events from before the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OldLedger {
    /// It stays as `mailglass_events_until_<date>`, with its guard. Nobody can insert into it, and whoever could read it still can.
    /// It has personal data if your payloads have.
    Keep,
    /// It is dropped.
    Drop,
}

impl CutOptions {
    /// Options with the default values: keep the old ledger, and read 10,000 rows in each step.
    pub fn before(before: DateTime<Utc>) -> Self {
        CutOptions {
            before,
            old_ledger: OldLedger::Keep,
            batch: 10_000,
        }
    }
}
