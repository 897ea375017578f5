-- a statement of record.sql

WITH skipped AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(named_delivery_id) AS named_delivery_id,
        pg_catalog.unnest(type) AS type,
        pg_catalog.unnest(occurred_at) AS occurred_at,
        pg_catalog.unnest(idempotency_key) AS idempotency_key,
        pg_catalog.unnest(reject_reason) AS reject_reason,
        pg_catalog.unnest(normalized_payload) AS normalized_payload,
        pg_catalog.unnest(metadata) AS metadata,
        pg_catalog.unnest(trace_id) AS trace_id,
        pg_catalog.unnest(provider) AS provider,
        pg_catalog.unnest(provider_message_id) AS provider_message_id,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(malformed) AS malformed
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS named_delivery_id,
            $4 AS type,
            $5 AS occurred_at,
            $6 AS idempotency_key,
            $7 AS reject_reason,
            $8 AS normalized_payload,
            $9 AS metadata,
            $10 AS trace_id,
            $11 AS provider,
            $12 AS provider_message_id,
            $13 AS recipient,
            $14 AS malformed
        OFFSET 0
    ) AS batch
)
-- Reads `skipped`. Returns the event that holds each idempotency key, and the fields in which the skipped row differs from it.
-- It is a separate statement, because the snapshot of the insert does not show an event that another transaction committed
-- while the insert waited for its key.
-- `trace_id` is not compared, because a replay comes with another request. A replay without a delivery id agrees with any.
-- Postgres compares the JSON, because jsonb stores 1e16 and 10000000000000000 alike.
-- The tenant is compared here, so that another tenant's event never leaves the server. OFFSET 0: see timeline.sql.
SELECT
    event.id, event.tenant_id, event.delivery_id, event.type, event.occurred_at, event.idempotency_key,
    event.reject_reason, event.normalized_payload, event.metadata, event.trace_id, event.needs_reconciliation,
    event.inserted_at,
    skipped.id AS row_id,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN event.delivery_id <> skipped.named_delivery_id THEN 'delivery_id' END,
        CASE WHEN event.type::text <> skipped.type::text THEN 'type' END,
        CASE WHEN event.occurred_at <> skipped.occurred_at THEN 'occurred_at' END,
        CASE WHEN event.reject_reason::text IS DISTINCT FROM skipped.reject_reason::text THEN 'reject_reason' END,
        CASE WHEN event.normalized_payload <> skipped.normalized_payload THEN 'normalized_payload' END,
        CASE WHEN event.metadata <> skipped.metadata THEN 'metadata' END
    ], NULL) AS differing
FROM skipped
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_events AS first WHERE first.idempotency_key = skipped.idempotency_key OFFSET 0
) AS event
WHERE event.tenant_id = skipped.tenant_id;
