//! The outcomes of appending and recording events.

use super::params::InsertedEvent;
use crate::idempotency::{Accepted, Resolution};
use crate::models::{Event, NewEvent};

/// The outcome of appending an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The event is new.
    Recorded(Event),
    /// The event was appended before, with the same idempotency key. This is the existing row; nothing was written.
    Replayed(Event),
}

impl Appended {
    pub(super) fn new(event: NewEvent, accepted: Accepted<InsertedEvent, Event>) -> Self {
        match accepted {
            Accepted::Inserted(inserted) => Appended::Recorded(inserted.into_event(event)),
            Accepted::Replayed(event) => Appended::Replayed(event),
        }
    }

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

impl Outcome {
    pub(super) fn new(event: NewEvent, resolution: Resolution<InsertedEvent, Event>) -> Self {
        match resolution {
            Resolution::Inserted(inserted) => Outcome::Recorded(inserted.into_event(event)),
            Resolution::Replayed(event) => Outcome::Replayed(event),
            Resolution::Conflicting(event, fields) => Outcome::Conflicting { event, fields },
        }
    }
}
