WITH leases AS (
    SELECT
        pg_catalog.unnest(delivery_id) AS delivery_id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(lease_id) AS lease_id
    FROM (
        SELECT
            $1 AS delivery_id,
            $2 AS tenant_id,
            $3 AS lease_id
        OFFSET 0
    ) AS batch
)
-- Reads `leases`. Marks the attempts of those leases that are still held as begun. An attempt that this lease has begun before is
-- not counted again: a claim turns every other begun attempt into an unknown one.
UPDATE mailglass_outbox AS entry
SET
    attempts = CASE WHEN entry.last_attempt = 'begun' THEN entry.attempts ELSE entry.attempts + 1 END,
    last_attempt = 'begun'
FROM (
    SELECT leases.delivery_id, leases.lease_id
    FROM (SELECT * FROM leases ORDER BY delivery_id) AS leases
    CROSS JOIN LATERAL (
        SELECT delivery_id
        FROM mailglass_outbox AS entry
        WHERE entry.delivery_id = leases.delivery_id
          AND entry.lease_id = leases.lease_id
        FOR UPDATE
    ) AS locked
    CROSS JOIN LATERAL (
        SELECT delivery.id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = leases.delivery_id
          AND (delivery.tenant_id = leases.tenant_id AND delivery.status::text = 'queued') IS TRUE
        OFFSET 0
    ) AS delivery
    -- See write_projections.sql.
    LIMIT (SELECT NULL::bigint)
) AS held
WHERE entry.delivery_id = held.delivery_id
  AND entry.lease_id = held.lease_id
RETURNING entry.delivery_id, entry.attempts;
