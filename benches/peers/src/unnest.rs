//! sqlx with a hand-written UNNEST: one array for each column.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Timed, timed, webhook};

pub struct Unnest {
    pub pool: PgPool,
}

const INSERT: &str = "
    INSERT INTO mailglass_events (
        id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata
    )
    SELECT id, tenant_id, delivery_id, type::mailglass_event_type, occurred_at, idempotency_key, normalized_payload, metadata
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::jsonb[], $8::jsonb[])
        AS wanted (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING";

struct Row {
    id: Uuid,
    tenant_id: &'static str,
    delivery_id: Uuid,
    type_: &'static str,
    occurred_at: DateTime<Utc>,
    idempotency_key: String,
    normalized_payload: Value,
    metadata: Value,
}

impl Row {
    fn new(number: usize) -> Row {
        let delivery = webhook::delivery(number, webhook::DELIVERIES);
        Row {
            id: Uuid::now_v7(),
            tenant_id: webhook::TENANT,
            delivery_id: webhook::delivery_id(delivery),
            type_: webhook::TYPES[number % webhook::TYPES.len()],
            occurred_at: webhook::occurred_at(number),
            idempotency_key: webhook::idempotency_key(number),
            normalized_payload: webhook::normalized_payload(number),
            metadata: webhook::metadata(number, delivery),
        }
    }
}

impl Unnest {
    pub async fn insert(&self, numbers: Range<usize>) -> Timed {
        let rows: Vec<Row> = numbers.map(Row::new).collect();
        timed(async {
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let tenants: Vec<&str> = rows.iter().map(|row| row.tenant_id).collect();
            let deliveries: Vec<Uuid> = rows.iter().map(|row| row.delivery_id).collect();
            let types: Vec<&str> = rows.iter().map(|row| row.type_).collect();
            let times: Vec<DateTime<Utc>> = rows.iter().map(|row| row.occurred_at).collect();
            let keys: Vec<&str> = rows.iter().map(|row| row.idempotency_key.as_str()).collect();
            let payloads: Vec<&Value> = rows.iter().map(|row| &row.normalized_payload).collect();
            let metadata: Vec<&Value> = rows.iter().map(|row| &row.metadata).collect();
            sqlx::query(INSERT)
                .bind(ids)
                .bind(tenants)
                .bind(deliveries)
                .bind(types)
                .bind(times)
                .bind(keys)
                .bind(payloads)
                .bind(metadata)
                .execute(&self.pool)
                .await
                .map(drop)
        })
        .await
    }
}
