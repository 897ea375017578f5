-- Reads `wanted`. Makes `heads`: the next row of each stream and tenant. It jumps from tenant to tenant, as lanes.sql does.
heads AS (
    WITH RECURSIVE walk AS (
        SELECT
            streams.stream_rank,
            coalesce(pg_catalog.hashtext(wanted.tenant_id), -2147483648) AS hash,
            '' AS tenant_id,
            NULL::pg_catalog.timestamptz AS available_at
        FROM wanted
        CROSS JOIN (VALUES (1::pg_catalog.int2), (2), (3)) AS streams (stream_rank)
        UNION ALL
        SELECT walk.stream_rank, next.hash, next.tenant_id, next.available_at
        FROM walk
        CROSS JOIN LATERAL (
            SELECT entry.tenant_hash AS hash, entry.tenant_id, entry.available_at
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.stream_rank = walk.stream_rank
              AND (entry.tenant_hash, entry.tenant_id) > (walk.hash, walk.tenant_id)
              -- Only the tenants with the hash of the one that is wanted.
              AND entry.tenant_hash
                  <= (SELECT coalesce(pg_catalog.hashtext(tenant_id), 2147483647) FROM wanted)
            ORDER BY entry.stream_rank, entry.tenant_hash, entry.tenant_id, entry.available_at
            LIMIT 1
        ) AS next
    )
    SELECT walk.available_at
    FROM walk
    CROSS JOIN wanted
    WHERE walk.available_at IS NOT NULL
      AND (wanted.tenant_id IS NULL OR walk.tenant_id = wanted.tenant_id)
)
