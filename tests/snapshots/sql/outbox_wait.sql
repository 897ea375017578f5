LISTEN mailglass_outbox;

WITH wanted AS (
    SELECT
        $1 AS tenant_id
    OFFSET 0
),
-- Reads `wanted`. Makes `heads`: the next row of each stream and tenant. It jumps from tenant to tenant, as lanes.sql does.
heads AS (
    WITH RECURSIVE walk AS (
        SELECT
            streams.stream,
            coalesce(pg_catalog.hashtext(wanted.tenant_id), -2147483648) AS hash,
            '' AS tenant_id,
            NULL::timestamptz AS available_at
        FROM wanted
        CROSS JOIN (SELECT pg_catalog.unnest(pg_catalog.enum_range(NULL::mailglass_stream)) AS stream) AS streams
        UNION ALL
        SELECT walk.stream, next.hash, next.tenant_id, next.available_at
        FROM walk
        CROSS JOIN LATERAL (
            SELECT pg_catalog.hashtext(entry.tenant_id) AS hash, entry.tenant_id, entry.available_at
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.stream OPERATOR(pg_catalog.=) walk.stream
              AND (pg_catalog.hashtext(entry.tenant_id), entry.tenant_id) > (walk.hash, walk.tenant_id)
              -- Only the tenants with the hash of the one that is wanted.
              AND pg_catalog.hashtext(entry.tenant_id)
                  <= (SELECT coalesce(pg_catalog.hashtext(tenant_id), 2147483647) FROM wanted)
            ORDER BY pg_catalog.hashtext(entry.tenant_id), entry.tenant_id, entry.available_at
            LIMIT 1
        ) AS next
    )
    SELECT walk.available_at
    FROM walk
    CROSS JOIN wanted
    WHERE walk.available_at IS NOT NULL
      AND (wanted.tenant_id IS NULL OR walk.tenant_id = wanted.tenant_id)
)
SELECT extract(epoch FROM pg_catalog.min(available_at) - pg_catalog.statement_timestamp())::double precision
FROM heads;

UNLISTEN mailglass_outbox;
