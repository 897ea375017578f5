-- Reads `skipped`. Returns the event that holds each idempotency key, and the fields in which the skipped row differs from it.
-- It is a separate statement, because the snapshot of the insert does not show an event that another transaction committed
-- while the insert waited for its key.
-- `trace_id` is not compared, because a replay comes with another request. A replay without a delivery id agrees with any.
-- Postgres compares the JSON, because jsonb stores 1e16 and 10000000000000000 alike.
-- The tenant is compared here, so that another tenant's event never leaves the server. OFFSET 0: see timeline.sql.
SELECT
    :events(event),
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
WHERE event.tenant_id = skipped.tenant_id
