WITH subject AS (
    SELECT
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(delivery_id) AS delivery_id
    FROM (
        SELECT
            $1 AS tenant_id,
            $2 AS delivery_id
        OFFSET 0
    ) AS batch
),
-- Reads `subject` (tenant_id, delivery_id). Makes `timeline`: the facts of each delivery, which are the events that found it
-- when they were appended, and those that were linked to it later. It never reads another tenant's.
-- OFFSET 0 keeps the planner to the indexes by delivery and by id. If the tables were small or not analyzed yet, it would
-- read a tenant's whole ledger for each delivery, and a connection keeps such a plan until the next ANALYZE.
-- Measured: 30 s to rebuild 20,000 deliveries.
timeline AS (
    SELECT subject.delivery_id AS timeline_of, own.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.delivery_id = subject.delivery_id OFFSET 0
    ) AS own
    WHERE own.tenant_id = subject.tenant_id
      -- An event that named its delivery before it existed becomes a fact when it is linked.
      AND NOT own.needs_reconciliation
    UNION ALL
    SELECT subject.delivery_id AS timeline_of, linked.*
    FROM subject
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_event_links AS link WHERE link.delivery_id = subject.delivery_id OFFSET 0
    ) AS link
    CROSS JOIN LATERAL (
        SELECT * FROM mailglass_events AS event WHERE event.id = link.event_id OFFSET 0
    ) AS linked
    WHERE link.tenant_id = subject.tenant_id
      AND linked.tenant_id = subject.tenant_id
)
SELECT
    id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata,
    trace_id, needs_reconciliation, inserted_at
FROM timeline;
