//! An event as a provider reports it.

use chrono::{DateTime, Utc};
use mailglass::{EventDetails, EventType, NewEvent, RejectReason};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Provider;

/// The name under which a sender puts the delivery's id into the provider's custom arguments, metadata or tags. A provider
/// whose tags have no names takes the tag `mailglass_delivery_id:` with the id behind it, and so does one whose custom argument is a single text.
pub const DELIVERY_ID: &str = "mailglass_delivery_id";

/// What a provider reports about a message and a recipient. It becomes a [`NewEvent`] with `into`.
///
/// `Debug` prints nothing personal.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The tenant whose webhook it is.
    pub tenant_id: String,
    /// The provider.
    #[serde(serialize_with = "by_name")]
    pub provider: Provider,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The provider's name of the event, such as `spamreport`.
    pub reported: String,
    /// The provider's further classification by which the event was mapped, such as a type of bounce, or empty: see
    /// [`Mapping::kind`](field@crate::Mapping::kind).
    pub kind: &'static str,
    /// When it happened, by the provider's clock. UTC.
    pub occurred_at: DateTime<Utc>,
    /// One bare address.
    pub recipient: Option<String>,
    /// The message, in the form in which the provider's send API returns it.
    pub provider_message_id: Option<String>,
    /// Identifies the event over all repetitions of its webhook, and carries the tenant.
    pub idempotency_key: String,
    /// Why the message was rejected or bounced.
    pub reject_reason: Option<RejectReason>,
    /// What the provider says beyond the type.
    pub details: EventDetails,
    /// The tags of the message.
    pub tags: Vec<String>,
    /// The custom arguments or metadata of the message.
    pub metadata: Map<String, Value>,
    /// The delivery, if the sender put its id into the custom arguments as [`DELIVERY_ID`].
    pub delivery_id: Option<Uuid>,
}

fn by_name<S: serde::Serializer>(provider: &Provider, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(provider.name())
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("tenant_id", &self.tenant_id)
            .field("provider", &self.provider)
            .field("event_type", &self.event_type)
            .field("reported", &self.reported)
            .field("kind", &self.kind)
            .field("occurred_at", &self.occurred_at)
            .field("reject_reason", &self.reject_reason)
            .field("details", &self.details)
            .field("delivery_id", &self.delivery_id)
            .finish_non_exhaustive()
    }
}

/// `normalized_payload` has the provider's name of the event as `reported`, and its `kind` if it has one. Tags and metadata are not recorded: they are the
/// application's own, and may hold an address.
impl From<&Report> for NewEvent {
    fn from(report: &Report) -> Self {
        let mut payload = json!({ "reported": report.reported });
        if !report.kind.is_empty() {
            payload["kind"] = report.kind.into();
        }
        let mut event = NewEvent::new(&report.tenant_id, report.event_type, report.occurred_at)
            .idempotency_key(&report.idempotency_key)
            .normalized_payload(payload)
            .details(report.details.clone());
        if let Some(id) = report.delivery_id {
            event = event.delivery(id);
        }
        if let Some(id) = &report.provider_message_id {
            event = event.provider_message(report.provider.name(), id);
        }
        if let Some(recipient) = &report.recipient {
            event = event.recipient(recipient);
        }
        if let Some(reason) = report.reject_reason {
            event = event.reject_reason(reason);
        }
        event
    }
}

impl From<Report> for NewEvent {
    fn from(report: Report) -> Self {
        NewEvent::from(&report)
    }
}
