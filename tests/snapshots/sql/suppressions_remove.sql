WITH subjects AS (
    SELECT
        $1 AS tenant_id,
        $2 AS scope,
        $3 AS stream,
        $4 AS address,
        $5 AS reason
    OFFSET 0
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
),
-- Reads `digested`, one subject. Makes `found`: locks its suppressions, in the order in which a batch inserts them.
found AS (
    SELECT suppression.id
    FROM digested
    CROSS JOIN LATERAL (
        SELECT suppression.id
        FROM mailglass_suppressions AS suppression
        WHERE suppression.tenant_id = digested.tenant_id
          AND suppression.digest = digested.digest
          AND suppression.scope::text = digested.scope::text
          AND (suppression.stream::text = digested.stream::text) IS NOT FALSE
          AND (digested.reason IS NULL OR suppression.reason::text = digested.reason::text)
        ORDER BY suppression.reason
        FOR UPDATE
    ) AS suppression
)
-- Reads `found`. Deletes the suppressions, and returns them.
DELETE FROM mailglass_suppressions AS suppression
USING (SELECT id FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE suppression.id = found.id
RETURNING
    suppression.id, suppression.tenant_id, suppression.scope, suppression.stream, suppression.digest,
    suppression.address, suppression.reason, suppression.source_event_id, suppression.since, suppression.until;
