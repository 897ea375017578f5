//! A batch of deliveries as array parameters, each with its first event.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::idempotency::NewRow;
use crate::models::delivery::Sending;
use crate::models::{EventType, NewDelivery, Stream};
use crate::schema::sql_types::{MailglassEventType, MailglassStream};
use crate::sql::params;
use crate::suppressions::Suppress;
use crate::validation::{domain_of, microseconds};

/// A delivery that is to be inserted, with its first event.
pub(super) struct DeliveryRow<'a> {
    id: Uuid,
    event_id: Uuid,
    delivery: &'a NewDelivery,
    recipient_domain: String,
    occurred_at: DateTime<Utc>,
}

impl<'a> DeliveryRow<'a> {
    pub(super) fn new(delivery: &'a NewDelivery) -> Self {
        DeliveryRow {
            id: delivery.id.unwrap_or_else(Uuid::now_v7),
            event_id: Uuid::now_v7(),
            delivery,
            recipient_domain: domain_of(&delivery.recipient).unwrap_or_default(),
            occurred_at: delivery.first_event_at.unwrap_or_else(|| microseconds(Utc::now())),
        }
    }

    pub(super) fn has_given_id(&self) -> bool {
        self.delivery.id.is_some()
    }

    /// Whether the row is put into the outbox, or checked against the suppressions.
    pub(super) fn is_to_be_sent(&self) -> bool {
        self.delivery.sending != Sending::No || self.delivery.suppress.is_some()
    }

    fn send_at(&self) -> Option<DateTime<Utc>> {
        match self.delivery.sending {
            Sending::At(time) => Some(time),
            Sending::No | Sending::Now => None,
        }
    }

    pub(super) fn tenant_id(&self) -> &'a str {
        &self.delivery.tenant_id
    }
}

impl NewRow for DeliveryRow<'_> {
    fn id(&self) -> Uuid {
        self.id
    }

    fn row_id(&self) -> Uuid {
        self.event_id
    }

    fn idempotency_key(&self) -> Option<&str> {
        self.delivery.idempotency_key.as_deref()
    }
}

params! {
    pub(super) struct DeliveryParams<'a> from row: &'a DeliveryRow<'a> {
        id: SqlUuid = row.id => Uuid,
        tenant_id: Text = &row.delivery.tenant_id => &'a str,
        mailable: Text = &row.delivery.mailable => &'a str,
        stream: MailglassStream = row.delivery.stream => Stream,
        recipient: Text = &row.delivery.recipient => &'a str,
        recipient_domain: Text = &row.recipient_domain => &'a str,
        provider: Nullable<Text> = row.delivery.provider.as_deref() => Option<&'a str>,
        provider_message_id: Nullable<Text> = row.delivery.provider_message_id.as_deref() => Option<&'a str>,
        metadata: Jsonb = &row.delivery.metadata => &'a Value,
        idempotency_key: Nullable<Text> = row.delivery.idempotency_key.as_deref() => Option<&'a str>,
        event_id: SqlUuid = row.event_id => Uuid,
        event_type: MailglassEventType = row.delivery.first_event_type => EventType,
        occurred_at: Timestamptz = row.occurred_at => DateTime<Utc>,
        is_sent: Bool = row.delivery.sending != Sending::No => bool,
        send_at: Nullable<Timestamptz> = row.send_at() => Option<DateTime<Utc>>,
        suppress_always: Nullable<Bool> = row.delivery.suppress.map(Suppress::is_always) => Option<bool>,
    }
}
