//! Exporting what is stored about a person.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::person::{OnePerson, Person, PersonParams};
use crate::error::Result;
use crate::models::redacted::redacted_debug;
use crate::models::{Delivery, Event, EventDetails};
use crate::projection::Subjects;
use crate::retry;
use crate::schema::{mailglass_deliveries, mailglass_events, mailglass_suppressions};
use crate::sql::{Bound, First, statement};
use crate::suppressions::Suppression;
use crate::tenancy;

statement! {
    /// Reads the deliveries to a person.
    struct DeliveriesToPerson(person: OnePerson) -> mailglass_deliveries::SqlType {
        => "privacy/deliveries_to_person"
    }
}

statement! {
    /// Reads the facts of deliveries, with their details.
    struct TimelinesWithDetails(subject: Subjects) -> (SqlUuid, mailglass_events::SqlType, Nullable<Jsonb>) {
        "timeline",
        => "privacy/timelines_with_details"
    }
}

statement! {
    /// Reads the events that name a person and have no delivery, with their details.
    struct OtherEvents(person: OnePerson) -> (mailglass_events::SqlType, Nullable<Jsonb>) {
        "privacy/persons_links",
        => "privacy/other_events"
    }
}

statement! {
    /// Reads the suppressions of a person's address.
    struct SuppressionsOfPerson(person: OnePerson) -> mailglass_suppressions::SqlType {
        "privacy/persons_subject",
        "suppressions/digests",
        => "privacy/suppressions_of_person"
    }
}

/// Everything that is stored about a person of a tenant: see [`export`]. Serialize it as JSON.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Export {
    /// The tenant.
    pub tenant_id: String,
    /// The person, as given.
    pub recipient: String,
    /// When it was exported, by the client's clock, UTC.
    pub exported_at: DateTime<Utc>,
    /// The deliveries to the person, in the order in which they were inserted.
    pub deliveries: Vec<ExportedDelivery>,
    /// The events that name the person and have no delivery.
    pub events: Vec<ExportedEvent>,
    /// The suppressions of the person's address, the latest first; also those whose address was erased.
    pub suppressions: Vec<Suppression>,
}

redacted_debug!(Export { tenant_id, exported_at, deliveries, events, suppressions } hides { recipient });

/// A delivery of an [`Export`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExportedDelivery {
    /// The row.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its events, in the order of [`Delivery::timeline`].
    pub events: Vec<ExportedEvent>,
}

/// An event of an [`Export`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExportedEvent {
    /// The row.
    #[serde(flatten)]
    pub event: Event,
    /// Its details, with those that are not personal.
    pub details: EventDetails,
}

impl ExportedEvent {
    fn new(event: Event, data: Option<&Value>) -> Self {
        ExportedEvent {
            details: EventDetails::of(&event.normalized_payload, data),
            event,
        }
    }
}

/// Returns everything that is stored about a person of a tenant, for the right of access (GDPR, article 15).
///
/// ```
/// # test_support::with_database(|conn| {
/// use mailglass::{NewDelivery, Stream, privacy};
///
/// NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?;
///
/// let export = serde_json::to_value(privacy::export(conn, "acme", "ann@example.com")?).unwrap();
/// assert_eq!(export["deliveries"][0]["mailable"], "welcome");
/// assert_eq!(export["deliveries"][0]["events"][0]["type"], "queued");
/// # Ok(()) });
/// ```
///
/// It reads from one snapshot, unless you call it in a transaction of your own.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the tenant or the recipient is blank or too long. A person who is not known is no
/// error: the export then is empty.
pub fn export(conn: &mut PgConnection, tenant_id: &str, recipient: &str) -> Result<Export> {
    let person = Person::new(tenant_id, recipient)?;
    // Outside of a scope, row-level security would hide the person.
    let read = |conn: &mut PgConnection| tenancy::scoped(conn, tenant_id, |conn| read(conn, &person));
    if retry::is_in_transaction(conn) {
        return read(conn);
    }
    conn.build_transaction().repeatable_read().read_only().run(read)
}

fn read(conn: &mut PgConnection, person: &Person<'_>) -> Result<Export> {
    let params = First(PersonParams::new([person]));
    let deliveries: Vec<Delivery> = Bound::<DeliveriesToPerson>::new(&params).load(conn)?;
    let subjects = Subjects::new(
        deliveries
            .iter()
            .map(|delivery| (delivery.tenant_id.as_str(), delivery.id)),
    );
    let facts: Vec<(Uuid, Event, Option<Value>)> = Bound::<TimelinesWithDetails>::new(&subjects).load(conn)?;
    let mut timelines: HashMap<Uuid, Vec<ExportedEvent>> = HashMap::new();
    for (delivery_id, event, data) in facts {
        let events = timelines.entry(delivery_id).or_default();
        events.push(ExportedEvent::new(event, data.as_ref()));
    }
    let others: Vec<(Event, Option<Value>)> = Bound::<OtherEvents>::new(&params).load(conn)?;
    let suppressions = Bound::<SuppressionsOfPerson>::new(&params).load(conn)?;
    let deliveries = deliveries.into_iter().map(|delivery| {
        let mut events = timelines.remove(&delivery.id).unwrap_or_default();
        events.sort_by_key(|exported| exported.event.timeline_order());
        ExportedDelivery { delivery, events }
    });
    Ok(Export {
        tenant_id: person.tenant_id.to_owned(),
        recipient: person.recipient.to_owned(),
        exported_at: Utc::now(),
        deliveries: deliveries.collect(),
        events: others
            .into_iter()
            .map(|(event, data)| ExportedEvent::new(event, data.as_ref()))
            .collect(),
        suppressions,
    })
}
