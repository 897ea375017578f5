//! The progress and the report of a cut.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::options::OldLedger;

/// The phases of a cut, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Finding the deliveries that leave.
    Deliveries,
    /// Copying the events that stay.
    Events,
    /// Building the indexes of the new ledger.
    Indexes,
    /// Copying the events that arrived meanwhile.
    Arrivals,
    /// Deleting the deliveries that leave, and swapping the two ledgers.
    Swap,
    /// Deleting the details of the events that left. From here on, the cut can't be aborted.
    Details,
    /// Dropping what the cut made, and the old ledger unless it is kept.
    Finish,
}

impl Phase {
    const ALL: [Phase; 7] = [
        Phase::Deliveries,
        Phase::Events,
        Phase::Indexes,
        Phase::Arrivals,
        Phase::Swap,
        Phase::Details,
        Phase::Finish,
    ];

    /// The name, such as `deliveries`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Deliveries => "deliveries",
            Phase::Events => "events",
            Phase::Indexes => "indexes",
            Phase::Arrivals => "arrivals",
            Phase::Swap => "swap",
            Phase::Details => "details",
            Phase::Finish => "finish",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The state of an unfinished cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CutStatus {
    /// The time up to which it cuts.
    pub before: DateTime<Utc>,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// What becomes of the old ledger.
    pub old_ledger: OldLedger,
    /// The phase of the next step.
    pub phase: Phase,
    /// How many deliveries, events or statements the phase has done.
    pub done: i64,
    /// How many there are, by the estimates of PostgreSQL; 0 if that is unknown.
    pub expected: i64,
}

/// What left with a cut, and what stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CutReport {
    /// The time up to which it cut.
    pub before: DateTime<Utc>,
    /// The deliveries that left.
    pub deliveries_left: i64,
    /// The events that left.
    pub events_left: i64,
    /// The links that left.
    pub links_left: i64,
    /// The rows of `mailglass_event_details` that left.
    pub details_left: i64,
    /// The events in the new ledger when it was swapped in.
    pub events_kept: i64,
    /// The name of the old ledger, if it is kept.
    pub kept_as: Option<String>,
}
