//! The result of one of the checks.

use serde::Serialize;

/// One of the things that are looked at, and what came of it.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Failed,
    Skipped,
}
