BEGIN;

-- a statement of suppressions_add.sql

WITH subjects AS (
    SELECT
        pg_catalog.unnest(id) AS id,
        pg_catalog.unnest(tenant_id) AS tenant_id,
        pg_catalog.unnest(scope) AS scope,
        pg_catalog.unnest(stream) AS stream,
        pg_catalog.unnest(address) AS address,
        pg_catalog.unnest(keeps_address) AS keeps_address,
        pg_catalog.unnest(reason) AS reason,
        pg_catalog.unnest(source_event_id) AS source_event_id,
        pg_catalog.unnest(since) AS since,
        pg_catalog.unnest(begins_now) AS begins_now,
        pg_catalog.unnest(until) AS until
    FROM (
        SELECT
            $1 AS id,
            $2 AS tenant_id,
            $3 AS scope,
            $4 AS stream,
            $5 AS address,
            $6 AS keeps_address,
            $7 AS reason,
            $8 AS source_event_id,
            $9 AS since,
            $10 AS begins_now,
            $11 AS until
        OFFSET 0
    ) AS batch
),
-- Reads `subjects` (tenant_id, address, …). Makes `digested`: the same rows, each with the digest by which suppressions are
-- compared. This is the only place that computes it. The length separates the tenant from the address, whatever characters they have.
-- OFFSET 0: the digests are computed once for each row, and a policy of row-level security can't keep them out of an index condition.
digested AS (
    SELECT
        subjects.*,
        pg_catalog.sha256(
            pg_catalog.convert_to(
                pg_catalog.concat(
                    pg_catalog.octet_length(pg_catalog.convert_to(tenant_id, 'UTF8')), ':',
                    tenant_id, ':',
                    pg_catalog.lower(address COLLATE "C")
                ),
                'UTF8'
            )
        ) AS digest
    FROM subjects
    OFFSET 0
)
-- Reads `digested`, the new suppressions that were not inserted. Returns the suppression that exists instead of each.
-- If the scopes are equal, the streams are both NULL or neither is. OFFSET 0: see suppressed.sql.
SELECT
    digested.id AS row_id,
    found.id, found.tenant_id, found.scope, found.stream, found.digest, found.address, found.reason,
    found.source_event_id, found.since, found.until
FROM digested
CROSS JOIN LATERAL (
    SELECT *
    FROM mailglass_suppressions AS suppression
    WHERE suppression.tenant_id = digested.tenant_id
      AND suppression.digest = digested.digest
    OFFSET 0
) AS found
WHERE found.scope::text = digested.scope::text
  AND found.reason::text = digested.reason::text
  AND (found.stream::text = digested.stream::text) IS NOT FALSE;

COMMIT;
