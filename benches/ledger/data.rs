//! The data: events of a realistic size, and the deliveries that they name.

use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::schema::mailglass_events;
use mailglass::{EventType, NewDelivery, NewEvent, Stream};
use serde_json::{Value, json};
use uuid::Uuid;

pub const TENANT: &str = "acme";
pub const DELIVERIES: usize = 5_000;

pub fn delivery_id(number: usize) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number as u128)
}

/// Inserts all deliveries that the events name.
pub fn deliveries(conn: &mut PgConnection) {
    let all: Vec<NewDelivery> = (0..DELIVERIES)
        .map(|number| {
            NewDelivery::new(TENANT, "newsletter", Stream::Bulk, format!("{number}@example.com"))
                .id(delivery_id(number))
                .provider("ses")
                .provider_message_id(format!("message {number}"))
                .first_event(EventType::Queued, time(0))
        })
        .collect();
    NewDelivery::insert_all(conn, &all).expect("the deliveries should be inserted");
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

const TYPES: [EventType; 4] = [
    EventType::Sent,
    EventType::Delivered,
    EventType::Opened,
    EventType::Clicked,
];

fn payload(number: usize) -> Value {
    json!({ "ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "url": format!("https://example.com/{number}") })
}

fn key(number: usize) -> String {
    format!("ses:event:{number:012}")
}

/// An event of a delivery. Two consecutive events are of the same delivery.
pub fn event(number: usize) -> NewEvent {
    orphan(number).delivery(delivery_id(number / 2 % DELIVERIES))
}

/// An event that names no delivery.
pub fn orphan(number: usize) -> NewEvent {
    NewEvent::new(TENANT, TYPES[number % TYPES.len()], time(number as i64 % 1_000_000))
        .idempotency_key(key(number))
        .normalized_payload(payload(number))
}

pub fn events(numbers: std::ops::Range<usize>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

/// The same row for Diesel's own insert.
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

pub fn row(number: usize) -> Row {
    Row {
        id: Uuid::now_v7(),
        tenant_id: TENANT,
        delivery_id: delivery_id(number / 2 % DELIVERIES),
        type_: TYPES[number % TYPES.len()],
        occurred_at: time(number as i64 % 1_000_000),
        idempotency_key: key(number),
        normalized_payload: payload(number),
        metadata: json!({}),
        needs_reconciliation: false,
    }
}

/// Inserts a row and updates its delivery in one statement, without ON CONFLICT, look-up of the delivery, or fold. It is run
/// with EXECUTE, because Diesel prepares an `sql_query` again for each call.
pub const PREPARE_INSERT_AND_UPDATE: &str = "
    PREPARE insert_and_update (uuid, text, uuid, timestamptz, text, jsonb) AS
    WITH updated AS (
        UPDATE mailglass_deliveries
        SET last_event_at = greatest(last_event_at, $4), lock_version = lock_version + 1, updated_at = now()
        WHERE id = $3
    )
    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload)
    VALUES ($1, $2, $3, 'sent', $4, $5, $6)";

pub fn insert_and_update(conn: &mut PgConnection, number: usize) {
    let row = row(number);
    // No value contains a quote.
    let execute = format!(
        "EXECUTE insert_and_update ('{}', '{}', '{}', '{}', '{}', '{}')",
        row.id,
        row.tenant_id,
        row.delivery_id,
        row.occurred_at.to_rfc3339(),
        row.idempotency_key,
        row.normalized_payload
    );
    conn.batch_execute(&execute).expect("the row should be inserted");
}

/// Inserts the same rows by COPY into the same table with all its indexes. This is the upper bound of what the server can do.
pub fn copy(conn: &mut PgConnection, numbers: std::ops::Range<usize>) {
    use mailglass::schema::mailglass_events::dsl;
    let rows: Vec<Row> = numbers.map(row).collect();
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
            for row in &rows {
                // No value contains a tab, a line feed or a backslash.
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\tf",
                    row.id,
                    row.tenant_id,
                    row.delivery_id,
                    row.type_,
                    row.occurred_at.to_rfc3339(),
                    row.idempotency_key,
                    row.normalized_payload,
                    row.metadata
                )
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
            }
            QueryResult::Ok(())
        })
        .execute(conn);
    assert_eq!(copied, Ok(rows.len()));
}
