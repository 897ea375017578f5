//! A batch of deliveries as array parameters.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::batch::{Columns, push_columns};
use crate::closed_sets::{EventType, Stream};
use crate::new_delivery::NewDelivery;
use crate::replay::Entry;
use crate::schema::sql_types::{MailglassEventType, MailglassStream};
use crate::validation::{domain_of, microseconds};

/// A delivery that is about to be inserted, with its first event.
pub(super) struct Birth<'a> {
    pub(super) id: Uuid,
    event_id: Uuid,
    delivery: &'a NewDelivery,
    recipient_domain: String,
    occurred_at: DateTime<Utc>,
}

impl<'a> Birth<'a> {
    pub(super) fn new(delivery: &'a NewDelivery) -> Self {
        Birth {
            id: delivery.id.unwrap_or_else(Uuid::now_v7),
            event_id: Uuid::now_v7(),
            delivery,
            recipient_domain: domain_of(&delivery.recipient).unwrap_or_default(),
            occurred_at: delivery.last_event_at.unwrap_or_else(|| microseconds(Utc::now())),
        }
    }
}

impl Birth<'_> {
    pub(super) fn has_given_id(&self) -> bool {
        self.delivery.id.is_some()
    }

    pub(super) fn tenant_id(&self) -> &str {
        &self.delivery.tenant_id
    }
}

impl Entry for Birth<'_> {
    /// Not the delivery's, which twins may share.
    fn entry_id(&self) -> Uuid {
        self.event_id
    }

    fn idempotency_key(&self) -> Option<&str> {
        self.delivery.idempotency_key.as_deref()
    }
}

#[derive(Default)]
pub(super) struct DeliveryColumns<'a> {
    ids: Vec<Uuid>,
    tenant_ids: Vec<&'a str>,
    mailables: Vec<&'a str>,
    streams: Vec<Stream>,
    recipients: Vec<&'a str>,
    recipient_domains: Vec<&'a str>,
    providers: Vec<Option<&'a str>>,
    provider_message_ids: Vec<Option<&'a str>>,
    metadata: Vec<&'a Value>,
    idempotency_keys: Vec<Option<&'a str>>,
    event_ids: Vec<Uuid>,
    event_types: Vec<EventType>,
    occurred_at: Vec<DateTime<Utc>>,
}

impl<'a> DeliveryColumns<'a> {
    pub(super) fn new(births: impl Iterator<Item = &'a Birth<'a>>) -> Self {
        let mut columns = DeliveryColumns::default();
        for birth in births {
            let delivery = birth.delivery;
            columns.ids.push(birth.id);
            columns.tenant_ids.push(&delivery.tenant_id);
            columns.mailables.push(&delivery.mailable);
            columns.streams.push(delivery.stream);
            columns.recipients.push(&delivery.recipient);
            columns.recipient_domains.push(&birth.recipient_domain);
            columns.providers.push(delivery.provider.as_deref());
            columns
                .provider_message_ids
                .push(delivery.provider_message_id.as_deref());
            columns.metadata.push(&delivery.metadata);
            columns.idempotency_keys.push(delivery.idempotency_key.as_deref());
            columns.event_ids.push(birth.event_id);
            columns.event_types.push(delivery.last_event_type);
            columns.occurred_at.push(birth.occurred_at);
        }
        columns
    }
}

impl Columns for DeliveryColumns<'_> {
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_columns!(
            out,
            id: SqlUuid = &self.ids,
            tenant_id: Text = &self.tenant_ids,
            mailable: Text = &self.mailables,
            stream: MailglassStream = &self.streams,
            recipient: Text = &self.recipients,
            recipient_domain: Text = &self.recipient_domains,
            provider: Nullable<Text> = &self.providers,
            provider_message_id: Nullable<Text> = &self.provider_message_ids,
            metadata: Jsonb = &self.metadata,
            idempotency_key: Nullable<Text> = &self.idempotency_keys,
            event_id: SqlUuid = &self.event_ids,
            event_type: MailglassEventType = &self.event_types,
            occurred_at: Timestamptz = &self.occurred_at,
        )
    }
}
