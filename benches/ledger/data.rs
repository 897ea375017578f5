//! The data: events in the shape of real webhooks, and the deliveries that they name.

use std::io::{self, BufWriter, Write};
use std::ops::Range;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::schema::mailglass_events;
use mailglass::{EventType, NewDelivery, NewEvent, Stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::webhook;
pub use crate::webhook::{DELIVERIES, TENANT, delivery_id};

/// Inserts all deliveries that the events name.
pub fn deliveries(conn: &mut PgConnection) {
    let all: Vec<NewDelivery> = (0..DELIVERIES)
        .map(|number| {
            NewDelivery::new(TENANT, "newsletter", Stream::Bulk, format!("{number}@example.com"))
                .id(delivery_id(number))
                .provider(webhook::PROVIDER)
                .provider_message_id(webhook::message_id(number))
                .first_event(EventType::Queued, webhook::occurred_at(0))
        })
        .collect();
    NewDelivery::insert_all(conn, &all).expect("the deliveries should be inserted");
}

fn event_type(number: usize) -> EventType {
    let label = webhook::TYPES[number % webhook::TYPES.len()];
    label.parse().expect("it should be an event type")
}

/// How events name their deliveries, and in which order their keys and deliveries come.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A webhook whose sender put the delivery's id into a custom argument of the message. Keys and deliveries come in no
    /// order, and the metadata names the message.
    Webhook,
    /// The same rows, but the event names its delivery only by the provider's message.
    WebhookByMessage,
    /// Ordered keys, two consecutive events of each delivery, and empty metadata.
    Ordered,
}

impl Shape {
    /// The delivery of an event, as a number below `deliveries`.
    pub fn delivery(self, number: usize, deliveries: usize) -> usize {
        match self {
            Shape::Webhook | Shape::WebhookByMessage => webhook::delivery(number, deliveries),
            Shape::Ordered => number / 2 % deliveries,
        }
    }

    /// The event with this number, of one of the [`deliveries`].
    pub fn event(self, number: usize) -> NewEvent {
        self.event_of(number, self.delivery(number, DELIVERIES))
    }

    /// An event of this delivery.
    pub fn event_of(self, number: usize, delivery: usize) -> NewEvent {
        let event = self.orphan(number);
        match self {
            Shape::Webhook => event
                .delivery(delivery_id(delivery))
                .metadata(webhook::metadata(number, delivery)),
            Shape::WebhookByMessage => event
                .provider_message(webhook::PROVIDER, webhook::message_id(delivery))
                .metadata(json!({ "event_id": webhook::event_id(number) })),
            Shape::Ordered => event.delivery(delivery_id(delivery)),
        }
    }

    /// An event that names no delivery.
    pub fn orphan(self, number: usize) -> NewEvent {
        NewEvent::new(TENANT, event_type(number), webhook::occurred_at(number))
            .idempotency_key(self.key(number))
            .normalized_payload(webhook::normalized_payload(number))
    }

    pub fn events(self, numbers: Range<usize>) -> Vec<NewEvent> {
        numbers.map(|number| self.event(number)).collect()
    }

    /// The row that recording the event inserts, for other ways to insert it.
    pub fn row(self, number: usize) -> Row {
        let delivery = self.delivery(number, DELIVERIES);
        Row {
            id: Uuid::now_v7(),
            tenant_id: TENANT,
            delivery_id: delivery_id(delivery),
            type_: event_type(number),
            occurred_at: webhook::occurred_at(number),
            idempotency_key: self.key(number),
            normalized_payload: webhook::normalized_payload(number),
            metadata: match self {
                Shape::Webhook | Shape::WebhookByMessage => webhook::metadata(number, delivery),
                Shape::Ordered => json!({}),
            },
            needs_reconciliation: false,
        }
    }

    pub fn rows(self, numbers: Range<usize>) -> Vec<Row> {
        numbers.map(|number| self.row(number)).collect()
    }

    fn key(self, number: usize) -> String {
        match self {
            Shape::Webhook | Shape::WebhookByMessage => webhook::idempotency_key(number),
            Shape::Ordered => format!("ses:event:{number:012}"),
        }
    }
}

/// The columns of an event that are not null.
#[derive(Insertable)]
#[diesel(table_name = mailglass_events, treat_none_as_default_value = false)]
pub struct Row {
    id: Uuid,
    tenant_id: &'static str,
    delivery_id: Uuid,
    type_: EventType,
    occurred_at: DateTime<Utc>,
    idempotency_key: String,
    normalized_payload: Value,
    metadata: Value,
    needs_reconciliation: bool,
}

impl Row {
    /// Writes the line that COPY reads. No value contains a tab, a line feed or a backslash.
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t",
            self.id,
            self.tenant_id,
            self.delivery_id,
            self.type_,
            self.occurred_at.to_rfc3339(),
            self.idempotency_key
        )?;
        serde_json::to_writer(&mut *out, &self.normalized_payload)?;
        out.write_all(b"\t")?;
        serde_json::to_writer(&mut *out, &self.metadata)?;
        writeln!(out, "\t{}", if self.needs_reconciliation { 't' } else { 'f' })
    }
}

/// Inserts a row and updates its delivery in one statement, without ON CONFLICT, look-up of the delivery, or fold. It is run
/// with EXECUTE, because Diesel prepares an `sql_query` again for each call.
pub const PREPARE_INSERT_AND_UPDATE: &str = "
    PREPARE insert_and_update (uuid, text, uuid, timestamptz, text, jsonb, jsonb) AS
    WITH updated AS (
        UPDATE mailglass_deliveries
        SET last_event_at = greatest(last_event_at, $4), lock_version = lock_version + 1, updated_at = now()
        WHERE id = $3
    )
    INSERT INTO mailglass_events (
        id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata
    )
    VALUES ($1, $2, $3, 'sent', $4, $5, $6, $7)";

pub fn insert_and_update(conn: &mut PgConnection, row: &Row) {
    // No value contains a quote.
    let execute = format!(
        "EXECUTE insert_and_update ('{}', '{}', '{}', '{}', '{}', '{}', '{}')",
        row.id,
        row.tenant_id,
        row.delivery_id,
        row.occurred_at.to_rfc3339(),
        row.idempotency_key,
        row.normalized_payload,
        row.metadata
    );
    conn.batch_execute(&execute).expect("the row should be inserted");
}

/// Inserts the same rows by COPY into the same table with all its indexes. This is the upper bound of what the server can do.
pub fn copy(conn: &mut PgConnection, rows: &[Row]) {
    use mailglass::schema::mailglass_events::dsl;
    let columns = (
        dsl::id,
        dsl::tenant_id,
        dsl::delivery_id,
        dsl::type_,
        dsl::occurred_at,
        dsl::idempotency_key,
        dsl::normalized_payload,
        dsl::metadata,
        dsl::needs_reconciliation,
    );
    let copied = diesel::copy_from(mailglass_events::table)
        .from_raw_data(columns, |out: &mut dyn Write| {
            // Without a buffer, each piece of a row would be a message to the server.
            let mut out = BufWriter::with_capacity(64 * 1024, out);
            rows.iter()
                .try_for_each(|row| row.write_text(&mut out))
                .and_then(|()| out.flush())
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
        })
        .execute(conn);
    assert_eq!(copied, Ok(rows.len()));
}
