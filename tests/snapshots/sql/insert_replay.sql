-- a statement of insert.sql

WITH skipped AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(mailable) AS mailable,
        pg_catalog.unnest(stream) AS stream,
        pg_catalog.unnest(recipient) AS recipient,
        pg_catalog.unnest(recipient_domain) AS recipient_domain,
        pg_catalog.unnest(provider) AS provider,
        pg_catalog.unnest(provider_message_id) AS provider_message_id,
        pg_catalog.unnest(metadata) AS metadata,
        pg_catalog.unnest(idempotency_key) AS idempotency_key,
        pg_catalog.unnest(event_id) AS event_id,
        pg_catalog.unnest(event_type) AS event_type,
        pg_catalog.unnest(occurred_at) AS occurred_at,
        pg_catalog.unnest(is_sent) AS is_sent,
        pg_catalog.unnest(send_at) AS send_at,
        pg_catalog.unnest(suppress_always) AS suppress_always
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS mailable,
            $4 AS stream,
            $5 AS recipient,
            $6 AS recipient_domain,
            $7 AS provider,
            $8 AS provider_message_id,
            $9 AS metadata,
            $10 AS idempotency_key,
            $11 AS event_id,
            $12 AS event_type,
            $13 AS occurred_at,
            $14 AS is_sent,
            $15 AS send_at,
            $16 AS suppress_always
        OFFSET 0
    ) AS batch
)
-- Reads `skipped`. Returns what each skipped delivery conflicts with: the row that holds its idempotency key, with the fields
-- in which the skipped row differs, or else whether its id or its provider message is taken.
-- It is a separate statement, because the snapshot of the insert does not show a delivery that another transaction committed
-- while the insert waited for it.
-- Columns that may have changed since then (provider, message id, metadata, the projection) are not compared.
-- The tenant is compared here, so that another tenant's delivery never leaves the server. OFFSET 0: see timeline.sql.
SELECT
    skipped.event_id AS row_id,
    holder.id IS NOT NULL AS key_is_taken,
    EXISTS (
        SELECT FROM mailglass_deliveries AS other WHERE other.id = skipped.id OFFSET 0
    ) AS id_is_taken,
    EXISTS (
        SELECT
        FROM mailglass_deliveries AS other
        WHERE other.provider = skipped.provider
          AND other.provider_message_id = skipped.provider_message_id
          AND other.recipient = skipped.recipient
        OFFSET 0
    ) AS provider_message_is_taken,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN delivery.mailable <> skipped.mailable THEN 'mailable' END,
        CASE WHEN delivery.stream::text <> skipped.stream::text THEN 'stream' END,
        CASE WHEN delivery.recipient <> skipped.recipient THEN 'recipient' END
    ], NULL) AS differing,
    delivery.id, delivery.tenant_id, delivery.mailable, delivery.stream, delivery.recipient, delivery.recipient_domain,
    delivery.provider, delivery.provider_message_id, delivery.last_event_type, delivery.last_event_at,
    delivery.terminal, delivery.dispatched_at, delivery.delivered_at, delivery.bounced_at, delivery.complained_at,
    delivery.suppressed_at, delivery.metadata, delivery.lock_version, delivery.idempotency_key, delivery.status,
    delivery.last_error, delivery.inserted_at, delivery.updated_at
FROM skipped
LEFT JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS first WHERE first.idempotency_key = skipped.idempotency_key OFFSET 0
) AS holder ON true
LEFT JOIN LATERAL (
    SELECT holder.* WHERE holder.tenant_id = skipped.tenant_id
) AS delivery ON true;
