WITH leases AS (
    SELECT
        $1 AS delivery_id,
        $2 AS tenant_id,
        $3 AS lease_id,
        $4 AS lease
    OFFSET 0
)
UPDATE mailglass_outbox AS entry
SET available_at = leases.until
FROM (
    SELECT
        delivery_id,
        tenant_id,
        lease_id,
        pg_catalog.statement_timestamp() + pg_catalog.make_interval(secs => lease) AS until
    FROM leases
    LIMIT (SELECT NULL::bigint)
) AS leases
WHERE entry.delivery_id = leases.delivery_id
  AND (entry.tenant_id = leases.tenant_id) IS TRUE
  AND (entry.lease_id = leases.lease_id) IS TRUE
RETURNING entry.available_at;
