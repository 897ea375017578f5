-- The events that were there first, each with what the replay says otherwise. A statement of its own, because the
-- append's snapshot can't show an event that another transaction committed while the append waited for its key.
-- Postgres compares the JSON: only it knows that 1e16 and 10000000000000000 are stored as one.
-- The tenant is compared here, so another tenant's event never leaves the server. OFFSET 0: see projection/timeline.sql.
SELECT
    event.id, event.tenant_id, event.delivery_id, event.type, event.occurred_at, event.idempotency_key,
    event.reject_reason, event.normalized_payload, event.metadata, event.trace_id, event.needs_reconciliation,
    event.inserted_at,
    replay.id AS replayed_as,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN event.delivery_id <> replay.named_delivery_id THEN 'delivery_id' END,
        CASE WHEN event.type::text <> replay.type::text THEN 'type' END,
        CASE WHEN event.occurred_at <> replay.occurred_at THEN 'occurred_at' END,
        CASE WHEN event.reject_reason::text IS DISTINCT FROM replay.reject_reason::text THEN 'reject_reason' END,
        CASE WHEN event.normalized_payload <> replay.normalized_payload THEN 'normalized_payload' END,
        CASE WHEN event.metadata <> replay.metadata THEN 'metadata' END
    ], NULL) AS differing
FROM (:input) AS replay
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_events AS first WHERE first.idempotency_key = replay.idempotency_key OFFSET 0
) AS event
WHERE event.tenant_id = replay.tenant_id
