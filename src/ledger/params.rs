//! A batch of events as array parameters.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::deserialize;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::idempotency::NewRow;
use crate::models::full_metadata::FullMetadata;
use crate::models::{Event, EventType, NewEvent, RejectReason};
use crate::schema::sql_types::{MailglassEventType, MailglassRejectReason};
use crate::sql::{First, params};
use crate::suppressions::SuppressionRules;
use crate::suppressions::rules::Candidate;

/// An event that is to be inserted.
pub(super) struct EventRow<'a> {
    pub(super) id: Uuid,
    event: &'a NewEvent,
}

impl<'a> EventRow<'a> {
    /// The rows of a batch. Their ids ascend.
    pub(super) fn of(events: &'a [NewEvent]) -> Vec<Self> {
        ascending_ids()
            .zip(events)
            .map(|(id, event)| EventRow { id, event })
            .collect()
    }
}

/// UUIDv7s, each one greater than the one before. Only the first one is random: asking the operating system for each took a
/// tenth of the client's time (RFC 9562, section 6.2, method 2).
fn ascending_ids() -> impl Iterator<Item = Uuid> {
    /// The first bit of the last four bytes, which are random. Without it, fewer than 2³¹ ids never carry into the counter
    /// before these bytes, which distinguishes the ids that other threads take within the same millisecond.
    const ROOM: u128 = 1 << 31;

    let first = Uuid::now_v7().as_u128() & !ROOM;
    (0..).map(move |offset| Uuid::from_u128(first + offset))
}

impl EventRow<'_> {
    /// The row of `mailglass_event_details`; `None` if the event says nothing that is personal.
    pub(super) fn details(&self) -> Option<NewDetails<'_>> {
        let (recipient, data) = (self.event.only_recipient(), self.event.personal_details());
        (recipient.is_some() || data.is_some()).then(|| NewDetails {
            event_id: self.id,
            tenant_id: &self.event.tenant_id,
            recipient,
            data: data.unwrap_or_else(|| json!({})),
        })
    }
}

impl EventRow<'_> {
    /// The event as the rules of suppressions see it; `None` if they do not concern it.
    pub(super) fn candidate(&self, rules: &SuppressionRules) -> Option<Candidate<'_>> {
        let is_concerned = rules.concern(self.event.type_, &self.event.full_payload());
        is_concerned.then(|| Candidate {
            event_id: self.id,
            tenant_id: Some(&self.event.tenant_id),
            recipient: self.event.reference().recipient,
        })
    }
}

/// The personal details of an event that is to be inserted.
pub(super) struct NewDetails<'a> {
    pub(super) event_id: Uuid,
    tenant_id: &'a str,
    recipient: Option<&'a str>,
    data: Value,
}

params! {
    pub(super) struct DetailsParams<'a> from details: &'a NewDetails<'a> {
        event_id: SqlUuid = details.event_id => Uuid,
        tenant_id: Text = details.tenant_id => &'a str,
        recipient: Nullable<Text> = details.recipient => Option<&'a str>,
        data: Jsonb = &details.data => &'a Value,
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

/// What only the database knows about an inserted event.
pub(super) struct InsertedEvent {
    pub(super) id: Uuid,
    delivery_id: Option<Uuid>,
    pub(super) needs_reconciliation: bool,
    inserted_at: DateTime<Utc>,
    /// The payload and the metadata, if they may differ from what was sent.
    pub(super) json: Option<Box<(Value, Value)>>,
}

impl InsertedEvent {
    /// The row, given the event that was inserted.
    pub(super) fn into_event(self, mut event: NewEvent) -> Event {
        let metadata = event.take_full_metadata();
        let (normalized_payload, metadata) = match self.json {
            Some(read) => *read,
            None => (event.take_full_payload(), metadata),
        };
        Event {
            id: self.id,
            tenant_id: event.tenant_id,
            delivery_id: self.delivery_id,
            type_: event.type_,
            occurred_at: event.occurred_at,
            idempotency_key: event.idempotency_key,
            reject_reason: event.reject_reason,
            normalized_payload,
            metadata,
            trace_id: event.trace_id,
            needs_reconciliation: self.needs_reconciliation,
            inserted_at: self.inserted_at,
        }
    }
}

/// The columns of an inserted event that its statement returns.
pub(super) type InsertedSqlType = (SqlUuid, Nullable<SqlUuid>, Bool, Timestamptz);

impl Queryable<InsertedSqlType, Pg> for InsertedEvent {
    type Row = (Uuid, Option<Uuid>, bool, DateTime<Utc>);

    fn build((id, delivery_id, needs_reconciliation, inserted_at): Self::Row) -> deserialize::Result<Self> {
        Ok(InsertedEvent {
            id,
            delivery_id,
            needs_reconciliation,
            inserted_at,
            json: None,
        })
    }
}

/// A single event as scalars.
pub(super) type OneEventParams<'a> = First<EventParams<'a>>;

params! {
    pub(super) struct EventParams<'a> from row: &'a EventRow<'a>; reference = row.event.reference(); {
        id: SqlUuid = row.id => Uuid,
        tenant_id: Text = &row.event.tenant_id => &'a str,
        named_delivery_id: Nullable<SqlUuid> = row.event.delivery_id => Option<Uuid>,
        type_: MailglassEventType = row.event.type_ => EventType,
        occurred_at: Timestamptz = row.event.occurred_at => DateTime<Utc>,
        idempotency_key: Nullable<Text> = row.event.idempotency_key.as_deref() => Option<&'a str>,
        reject_reason: Nullable<MailglassRejectReason> = row.event.reject_reason => Option<RejectReason>,
        normalized_payload: Jsonb = row.event.full_payload() => Cow<'a, Value>,
        metadata: Jsonb = row.event.full_metadata() => FullMetadata<'a>,
        trace_id: Nullable<Text> = row.event.trace_id.as_deref() => Option<&'a str>,
        provider: Nullable<Text> = reference.provider => Option<&'a str>,
        provider_message_id: Nullable<Text> = reference.message_id => Option<&'a str>,
        recipient: Nullable<Text> = reference.recipient => Option<&'a str>,
        malformed: Bool = reference.malformed => bool,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::ascending_ids;
    use crate::validation::MAX_BATCH;

    #[test]
    fn ids_of_a_batch_ascend_and_no_other_thread_takes_them() {
        let batches = thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(|| ascending_ids().take(MAX_BATCH).collect::<Vec<_>>()));
            threads.map(|thread| thread.join().unwrap_or_default())
        });
        for batch in &batches {
            assert_eq!(batch.len(), MAX_BATCH);
            assert!(batch.is_sorted());
            assert!(batch.iter().all(|id| id.get_version_num() == 7));
        }
        let distinct: HashSet<_> = batches.iter().flatten().collect();
        assert_eq!(distinct.len(), batches.len() * MAX_BATCH);
    }
}
