//! The behaviour of mailglass.

use schemars::JsonSchema;
use serde::Serialize;

/// The behaviour of mailglass, generated from its code.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Behaviour {
    pub(crate) projection: Projection,
    pub(crate) orphan: OrphanLife,
}

/// The projection from events to the columns of a delivery.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Projection {
    /// All event types by ascending rank. Of two events at the same instant, the higher rank wins `last_event_type`.
    pub(crate) rules: Vec<Rule>,
    /// All statuses by ascending rank. A delivery has the highest status that any event reaches.
    pub(crate) statuses: Vec<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Rule {
    pub(crate) event_type: String,
    pub(crate) rank: usize,
    /// The status that the event type reaches. Absent if it leaves the status unchanged.
    pub(crate) status: Option<String>,
    pub(crate) terminal: bool,
    /// The column that holds the earliest time of such an event.
    pub(crate) stamp: Option<String>,
}

/// The states of an event whose delivery was missing or ambiguous when it was recorded.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OrphanLife {
    pub(crate) states: Vec<OrphanState>,
    pub(crate) transitions: Vec<Transition>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OrphanState {
    pub(crate) name: String,
    /// The condition on a row of `mailglass_event_links` for this state.
    pub(crate) condition: String,
    pub(crate) meaning: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Transition {
    /// Absent for the start.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) when: String,
}
