-- Reads `wanted` and `picked`. Makes `examined`: the rows with their deliveries, and what becomes of each.
-- A row is over if its delivery was deleted, or has left the status queued: it was sent, failed or suppressed by other means. After
-- an attempt, any event about the message proves that the provider has it, also one that keeps the status, such as `deferred`.
examined AS MATERIALIZED (
    SELECT
        picked.delivery_id,
        picked.last_attempt,
        picked.attempts,
        picked.held_at,
        delivery.found,
        CASE
            WHEN delivery.found IS NULL OR delivery.status <> 'queued' OR proof.event_id IS NOT NULL THEN 'over'
            WHEN picked.held_at IS NOT NULL THEN 'held'
            WHEN picked.last_attempt IN ('begun', 'unknown')
                AND (wanted.hold OR picked.attempts >= wanted.max_attempts) THEN 'held'
            ELSE 'leased'
        END AS outcome,
        pg_catalog.statement_timestamp() AS examined_at,
        pg_catalog.statement_timestamp() + pg_catalog.make_interval(secs => wanted.lease) AS leased_until
    FROM picked
    CROSS JOIN wanted
    LEFT JOIN LATERAL (
        SELECT delivery AS found, delivery.status::text AS status, delivery.inserted_at
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = picked.delivery_id
          AND (delivery.tenant_id = picked.tenant_id) IS TRUE
        OFFSET 0
    ) AS delivery ON true
    LEFT JOIN LATERAL (
        SELECT event.id AS event_id
        FROM mailglass_events AS event
        WHERE picked.last_attempt <> 'none'
          AND event.delivery_id = picked.delivery_id
          AND (
              event.tenant_id = picked.tenant_id
              AND event.inserted_at > delivery.inserted_at
              AND event.type::text NOT IN ('subscribed', 'unsubscribed')
          ) IS TRUE
        LIMIT 1
    ) AS proof ON true
)
