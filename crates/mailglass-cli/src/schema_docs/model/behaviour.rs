//! What the code does with the rows.

use schemars::JsonSchema;
use serde::Serialize;

/// What the code does, told by the code.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Behaviour {
    pub(crate) projection: Projection,
    pub(crate) orphan: OrphanLife,
}

/// How events move a delivery's projection columns.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Projection {
    /// Every event type, lowest lifecycle rank first: at the same instant, the later one wins `last_event_type`.
    pub(crate) rules: Vec<Rule>,
    /// Every status, lowest rank first: the highest that any event reached stays.
    pub(crate) statuses: Vec<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Rule {
    pub(crate) event_type: String,
    pub(crate) rank: usize,
    /// The status it reaches, unless a higher one was reached; absent where it leaves the status.
    pub(crate) status: Option<String>,
    pub(crate) terminal: bool,
    /// The column that keeps the earliest such event's time.
    pub(crate) stamp: Option<String>,
}

/// What becomes of an event whose delivery wasn't there, or wasn't clear, when it came.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OrphanLife {
    pub(crate) states: Vec<OrphanState>,
    pub(crate) transitions: Vec<Transition>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OrphanState {
    pub(crate) name: String,
    /// The condition on a row of `mailglass_event_links` that tells it.
    pub(crate) condition: String,
    pub(crate) meaning: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Transition {
    /// Absent for the beginning.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) when: String,
}
