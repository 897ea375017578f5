WITH wanted AS (
    SELECT
        $1 AS tenant_id
    OFFSET 0
)
SELECT
    entry.tenant_id,
    entry.stream,
    pg_catalog.count(*) FILTER (WHERE held_at IS NULL AND available_at <= pg_catalog.statement_timestamp()) AS due,
    pg_catalog.count(*) FILTER (
        WHERE held_at IS NULL AND available_at > pg_catalog.statement_timestamp() AND lease_id IS NULL
    ) AS scheduled,
    pg_catalog.count(*) FILTER (
        WHERE held_at IS NULL AND available_at > pg_catalog.statement_timestamp() AND lease_id IS NOT NULL
    ) AS leased,
    pg_catalog.count(*) FILTER (WHERE held_at IS NOT NULL) AS held,
    pg_catalog.min(available_at) FILTER (
        WHERE held_at IS NULL AND available_at <= pg_catalog.statement_timestamp()
    ) AS oldest_due_at
FROM mailglass_outbox AS entry
CROSS JOIN wanted
WHERE wanted.tenant_id IS NULL OR entry.tenant_id = wanted.tenant_id
GROUP BY entry.tenant_id, entry.stream
ORDER BY entry.tenant_id, entry.stream;
