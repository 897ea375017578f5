//! Helpers for the integration tests, in addition to the fixtures of `test_support`.

pub mod database;
pub mod every_call;
pub mod generate;
pub mod role;
pub mod schedules;
pub mod sessions;

use mailglass::reconciler::SweepReport;

pub use database::{Database, at_once, connect, connected, database};
pub use test_support::*;

/// The report of a sweep that links this many events and does nothing else.
pub fn linked(linked: i64) -> SweepReport {
    SweepReport {
        linked,
        ..SweepReport::default()
    }
}

/// The report of a sweep that leaves this many events pending and does nothing else.
pub fn waiting(waiting: i64) -> SweepReport {
    SweepReport {
        waiting,
        ..SweepReport::default()
    }
}

/// The report of a sweep that expires this many events and does nothing else.
pub fn expired(expired: i64) -> SweepReport {
    SweepReport {
        expired,
        ..SweepReport::default()
    }
}
