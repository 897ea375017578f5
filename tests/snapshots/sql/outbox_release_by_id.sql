WITH named AS (
    SELECT
        $1 AS tenant_id,
        $2 AS delivery_id
    OFFSET 0
),
-- Reads `named`. Makes `leases`: the lease that the row has now.
leases AS (
    SELECT named.*, entry.lease_id
    FROM named
    JOIN mailglass_outbox AS entry ON entry.delivery_id = named.delivery_id
),
-- Reads `leases`. Makes `changed`: ends a lease. An attempt that has begun may have sent the message.
changed AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = leases.released_at,
        last_attempt = CASE WHEN entry.last_attempt = 'begun' THEN 'unknown' ELSE entry.last_attempt END,
        lease_id = NULL,
        worker = NULL
    FROM (SELECT leases.*, pg_catalog.statement_timestamp() AS released_at FROM leases LIMIT (SELECT NULL::bigint)) AS leases
    WHERE entry.delivery_id = leases.delivery_id
      AND (entry.tenant_id = leases.tenant_id) IS TRUE
      AND (entry.lease_id = leases.lease_id) IS TRUE
    RETURNING entry.delivery_id
)
-- Returns the changed rows, and wakes the workers that wait, when the transaction commits.
SELECT delivery_id
FROM changed
WHERE (
    SELECT pg_catalog.count(*)
    FROM (SELECT pg_catalog.pg_notify('mailglass_outbox', '') FROM changed LIMIT 1) AS notified
) IS NOT NULL;
