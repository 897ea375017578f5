//! The outcomes of appending and recording events.

use crate::idempotency::Resolution;
use crate::models::Event;

/// The outcome of appending an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The event is new.
    Recorded(Event),
    /// The event was appended before, with the same idempotency key. This is the existing row; nothing was written.
    Replayed(Event),
}

impl Appended {
    /// The row.
    pub fn event(&self) -> &Event {
        match self {
            Appended::Recorded(event) | Appended::Replayed(event) => event,
        }
    }

    /// The row.
    pub fn into_event(self) -> Event {
        match self {
            Appended::Recorded(event) | Appended::Replayed(event) => event,
        }
    }

    /// Whether the event was appended before.
    pub fn is_replay(&self) -> bool {
        matches!(self, Appended::Replayed(_))
    }
}

/// The outcome of recording an event with [`record_each`](super::record_each).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The event is new.
    Recorded(Event),
    /// The event was recorded before, with the same idempotency key. This is the existing row; nothing was written.
    Replayed(Event),
    /// A different event has the idempotency key. Nothing was written.
    Conflicting {
        /// The row that holds the key; `None` if it belongs to another tenant.
        event: Option<Event>,
        /// The fields that differ: `["tenant_id"]` if the key belongs to another tenant.
        fields: Vec<String>,
    },
}

impl From<Resolution<Event>> for Outcome {
    fn from(resolution: Resolution<Event>) -> Self {
        match resolution {
            Resolution::Inserted(event) => Outcome::Recorded(event),
            Resolution::Replayed(event) => Outcome::Replayed(event),
            Resolution::Conflicting(event, fields) => Outcome::Conflicting { event, fields },
        }
    }
}
