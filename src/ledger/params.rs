//! A batch of events as array parameters.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::idempotency::NewRow;
use crate::models::{Event, EventType, NewEvent, RejectReason};
use crate::schema::sql_types::{MailglassEventType, MailglassRejectReason};
use crate::sql::params;

/// An event that is to be inserted.
pub(super) struct EventRow<'a> {
    id: Uuid,
    event: &'a NewEvent,
    metadata: Cow<'a, Value>,
}

impl<'a> EventRow<'a> {
    pub(super) fn new(event: &'a NewEvent) -> Self {
        EventRow {
            id: Uuid::now_v7(),
            event,
            metadata: event.full_metadata(),
        }
    }

    /// The row as the database has it.
    pub(super) fn inserted(&self, inserted: InsertedEvent) -> Event {
        Event {
            id: self.id,
            tenant_id: self.event.tenant_id.clone(),
            delivery_id: inserted.delivery_id,
            type_: self.event.type_,
            occurred_at: self.event.occurred_at,
            idempotency_key: self.event.idempotency_key.clone(),
            reject_reason: self.event.reject_reason,
            normalized_payload: self.event.normalized_payload.clone(),
            metadata: self.metadata.clone().into_owned(),
            trace_id: self.event.trace_id.clone(),
            needs_reconciliation: inserted.needs_reconciliation,
            inserted_at: inserted.inserted_at,
        }
    }
}

impl NewRow for EventRow<'_> {
    fn id(&self) -> Uuid {
        self.id
    }

    fn row_id(&self) -> Uuid {
        self.id
    }

    fn idempotency_key(&self) -> Option<&str> {
        self.event.idempotency_key.as_deref()
    }
}

/// The columns of an inserted event that only the database knows.
#[derive(Queryable)]
pub(super) struct InsertedEvent {
    pub(super) id: Uuid,
    delivery_id: Option<Uuid>,
    needs_reconciliation: bool,
    inserted_at: DateTime<Utc>,
}

/// The columns of an [`InsertedEvent`].
pub(super) type InsertedSqlType = (SqlUuid, Nullable<SqlUuid>, Bool, Timestamptz);

params! {
    pub(super) struct EventParams<'a> from row: &'a EventRow<'a>; reference = row.event.reference(&row.metadata); {
        id: SqlUuid = row.id => Uuid,
        tenant_id: Text = &row.event.tenant_id => &'a str,
        named_delivery_id: Nullable<SqlUuid> = row.event.delivery_id => Option<Uuid>,
        type_: MailglassEventType = row.event.type_ => EventType,
        occurred_at: Timestamptz = row.event.occurred_at => DateTime<Utc>,
        idempotency_key: Nullable<Text> = row.event.idempotency_key.as_deref() => Option<&'a str>,
        reject_reason: Nullable<MailglassRejectReason> = row.event.reject_reason => Option<RejectReason>,
        normalized_payload: Jsonb = &row.event.normalized_payload => &'a Value,
        metadata: Jsonb = &row.metadata => &'a Value,
        trace_id: Nullable<Text> = row.event.trace_id.as_deref() => Option<&'a str>,
        provider: Nullable<Text> = reference.provider => Option<&'a str>,
        provider_message_id: Nullable<Text> = reference.message_id => Option<&'a str>,
        recipient: Nullable<Text> = reference.recipient => Option<&'a str>,
        malformed: Bool = reference.malformed => bool,
    }
}
