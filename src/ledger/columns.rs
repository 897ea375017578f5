//! A batch of events as array parameters.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::batch::{Columns, push_columns};
use crate::closed_sets::{EventType, RejectReason};
use crate::event::{Event, NewEvent};
use crate::replay::Entry;
use crate::schema::sql_types::{MailglassEventType, MailglassRejectReason};

/// An event on its way into the ledger.
pub(super) struct Landing<'a> {
    pub(super) id: Uuid,
    event: &'a NewEvent,
    metadata: Cow<'a, Value>,
}

impl<'a> Landing<'a> {
    pub(super) fn new(event: &'a NewEvent) -> Self {
        Landing {
            id: Uuid::now_v7(),
            event,
            metadata: event.full_metadata(),
        }
    }

    /// The row that it has become.
    pub(super) fn landed(&self, landed: &Landed) -> Event {
        Event {
            id: self.id,
            tenant_id: self.event.tenant_id.clone(),
            delivery_id: landed.delivery_id,
            type_: self.event.type_,
            occurred_at: self.event.occurred_at,
            idempotency_key: self.event.idempotency_key.clone(),
            reject_reason: self.event.reject_reason,
            normalized_payload: self.event.normalized_payload.clone(),
            metadata: self.metadata.clone().into_owned(),
            trace_id: self.event.trace_id.clone(),
            needs_reconciliation: landed.needs_reconciliation,
            inserted_at: landed.inserted_at,
        }
    }
}

impl Entry for Landing<'_> {
    fn entry_id(&self) -> Uuid {
        self.id
    }

    fn idempotency_key(&self) -> Option<&str> {
        self.event.idempotency_key.as_deref()
    }
}

/// What only the database knows of an event that has landed.
#[derive(Queryable)]
pub(super) struct Landed {
    pub(super) id: Uuid,
    delivery_id: Option<Uuid>,
    needs_reconciliation: bool,
    inserted_at: DateTime<Utc>,
}

#[derive(Default)]
pub(super) struct EventColumns<'a> {
    ids: Vec<Uuid>,
    tenant_ids: Vec<&'a str>,
    named_delivery_ids: Vec<Option<Uuid>>,
    types: Vec<EventType>,
    occurred_at: Vec<DateTime<Utc>>,
    idempotency_keys: Vec<Option<&'a str>>,
    reject_reasons: Vec<Option<RejectReason>>,
    normalized_payloads: Vec<&'a Value>,
    metadata: Vec<&'a Value>,
    trace_ids: Vec<Option<&'a str>>,
    providers: Vec<Option<&'a str>>,
    provider_message_ids: Vec<Option<&'a str>>,
    recipients: Vec<Option<&'a str>>,
    malformed: Vec<bool>,
}

impl<'a> EventColumns<'a> {
    pub(super) fn new(landings: impl Iterator<Item = &'a Landing<'a>>) -> Self {
        let mut columns = EventColumns::default();
        for Landing { id, event, metadata } in landings {
            let reference = event.reference(metadata);
            columns.ids.push(*id);
            columns.tenant_ids.push(&event.tenant_id);
            columns.named_delivery_ids.push(event.delivery_id);
            columns.types.push(event.type_);
            columns.occurred_at.push(event.occurred_at);
            columns.idempotency_keys.push(event.idempotency_key.as_deref());
            columns.reject_reasons.push(event.reject_reason);
            columns.normalized_payloads.push(&event.normalized_payload);
            columns.metadata.push(metadata);
            columns.trace_ids.push(event.trace_id.as_deref());
            columns.providers.push(reference.provider);
            columns.provider_message_ids.push(reference.message_id);
            columns.recipients.push(reference.recipient);
            columns.malformed.push(reference.malformed);
        }
        columns
    }
}

impl Columns for EventColumns<'_> {
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_columns!(
            out,
            id: SqlUuid = &self.ids,
            tenant_id: Text = &self.tenant_ids,
            named_delivery_id: Nullable<SqlUuid> = &self.named_delivery_ids,
            type: MailglassEventType = &self.types,
            occurred_at: Timestamptz = &self.occurred_at,
            idempotency_key: Nullable<Text> = &self.idempotency_keys,
            reject_reason: Nullable<MailglassRejectReason> = &self.reject_reasons,
            normalized_payload: Jsonb = &self.normalized_payloads,
            metadata: Jsonb = &self.metadata,
            trace_id: Nullable<Text> = &self.trace_ids,
            provider: Nullable<Text> = &self.providers,
            provider_message_id: Nullable<Text> = &self.provider_message_ids,
            recipient: Nullable<Text> = &self.recipients,
            malformed: Bool = &self.malformed,
        )
    }
}
