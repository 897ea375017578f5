//! The projection in Rust: a reference, which the tests compare with the SQL.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use serde::Serialize;

use crate::models::delivery::PROJECTION;
use crate::models::{Delivery, DeliveryStatus, Event, EventType, NewEvent};
use crate::validation::microseconds;

/// The parts of an event that the projection uses: its type and its time.
///
/// [`fold`] takes the time as a row has it: truncated to microseconds, with a leap second as the first instant of the next
/// second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

impl From<&Event> for Fact {
    fn from(event: &Event) -> Self {
        Fact {
            event_type: event.type_,
            occurred_at: event.occurred_at,
        }
    }
}

impl From<&NewEvent> for Fact {
    fn from(event: &NewEvent) -> Self {
        Fact {
            event_type: event.type_,
            occurred_at: event.occurred_at,
        }
    }
}

/// The projection columns of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Queryable)]
pub struct Projection {
    /// The type of the greatest event by (`occurred_at`, lifecycle rank).
    pub last_event_type: EventType,
    /// `occurred_at` of that event.
    pub last_event_at: DateTime<Utc>,
    /// Whether any event was terminal.
    pub terminal: bool,
    /// The earliest `dispatched` event.
    pub dispatched_at: Option<DateTime<Utc>>,
    /// The earliest `delivered` event.
    pub delivered_at: Option<DateTime<Utc>>,
    /// The earliest `bounced` event.
    pub bounced_at: Option<DateTime<Utc>>,
    /// The earliest `complained` event.
    pub complained_at: Option<DateTime<Utc>>,
    /// The earliest `suppressed` event.
    pub suppressed_at: Option<DateTime<Utc>>,
    /// The highest status that any event reached.
    pub status: DeliveryStatus,
}

impl Projection {
    /// The names of the columns with their values as text: times as RFC 3339 in UTC, NULL as `None`.
    pub fn columns(&self) -> [(&'static str, Option<String>); 9] {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut values = [
            Some(self.last_event_type.to_string()),
            Some(time(self.last_event_at)),
            Some(self.terminal.to_string()),
            self.dispatched_at.map(time),
            self.delivered_at.map(time),
            self.bounced_at.map(time),
            self.complained_at.map(time),
            self.suppressed_at.map(time),
            Some(self.status.to_string()),
        ]
        .into_iter();
        PROJECTION.map(|column| (column, values.next().flatten()))
    }
}

impl From<&Delivery> for Projection {
    fn from(delivery: &Delivery) -> Self {
        Projection {
            last_event_type: delivery.last_event_type,
            last_event_at: delivery.last_event_at,
            terminal: delivery.terminal,
            dispatched_at: delivery.dispatched_at,
            delivered_at: delivery.delivered_at,
            bounced_at: delivery.bounced_at,
            complained_at: delivery.complained_at,
            suppressed_at: delivery.suppressed_at,
            status: delivery.status,
        }
    }
}

/// Folds events, in any order and with any repetition, into the projection columns; `None` if there are none.
///
/// ```
/// use mailglass::projection::{Fact, fold};
/// use mailglass::{DeliveryStatus, EventType};
///
/// let at = |time: &str| time.parse().unwrap();
/// let delivered = Fact { event_type: EventType::Delivered, occurred_at: at("2026-11-21T09:30:05Z") };
/// let dispatched = Fact { event_type: EventType::Dispatched, occurred_at: at("2026-11-21T09:30:00Z") };
///
/// let projection = fold([delivered, dispatched, delivered]).unwrap();
/// assert_eq!(Some(projection), fold([dispatched, delivered]));
/// assert_eq!(projection.last_event_type, EventType::Delivered);
/// assert_eq!(projection.status, DeliveryStatus::Sent);
/// assert!(projection.terminal);
/// ```
pub fn fold(facts: impl IntoIterator<Item = impl Into<Fact>>) -> Option<Projection> {
    facts
        .into_iter()
        .map(|fact| Projection::of(fact.into()))
        .reduce(Projection::join)
}

impl Projection {
    /// The projection of a single event.
    fn of(fact: Fact) -> Self {
        let occurred_at = microseconds(fact.occurred_at);
        let stamp = |event_type| (fact.event_type == event_type).then_some(occurred_at);
        Projection {
            last_event_type: fact.event_type,
            last_event_at: occurred_at,
            terminal: fact.event_type.is_terminal(),
            dispatched_at: stamp(EventType::Dispatched),
            delivered_at: stamp(EventType::Delivered),
            bounced_at: stamp(EventType::Bounced),
            complained_at: stamp(EventType::Complained),
            suppressed_at: stamp(EventType::Suppressed),
            status: fact.event_type.status().unwrap_or(DeliveryStatus::Queued),
        }
    }

    /// The join of the semilattice: the least projection that is at least both.
    fn join(self, other: Self) -> Self {
        let position = |p: &Self| (p.last_event_at, p.last_event_type.lifecycle_rank());
        let last = if position(&other) > position(&self) {
            other
        } else {
            self
        };
        Projection {
            last_event_type: last.last_event_type,
            last_event_at: last.last_event_at,
            terminal: self.terminal || other.terminal,
            dispatched_at: earliest(self.dispatched_at, other.dispatched_at),
            delivered_at: earliest(self.delivered_at, other.delivered_at),
            bounced_at: earliest(self.bounced_at, other.bounced_at),
            complained_at: earliest(self.complained_at, other.complained_at),
            suppressed_at: earliest(self.suppressed_at, other.suppressed_at),
            status: if other.status.rank() > self.status.rank() {
                other.status
            } else {
                self.status
            },
        }
    }
}

fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}
