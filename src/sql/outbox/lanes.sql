-- Reads `wanted`. Makes `lanes` (or `due_lanes`): the streams and tenants that have something due, each with a random number.
-- It jumps from tenant to tenant in the index (a loose index scan), so it costs the number of tenants that wait, whatever they
-- have queued. It begins at a random place and stops after `max_lanes` lanes, so each tenant has the same chance.
:lanes AS (
    WITH RECURSIVE walk AS (
        SELECT
            streams.stream_rank,
            part,
            CASE part WHEN 1 THEN wanted.seed ELSE -2147483648 END AS hash,
            -- Before every tenant.
            '' AS tenant_id,
            CASE part WHEN 1 THEN 2147483648 ELSE wanted.seed END AS end_hash,
            false AS is_due,
            0::bigint AS due_lanes
        FROM wanted
        CROSS JOIN (VALUES (1::pg_catalog.int2), (2), (3)) AS streams (stream_rank)
        -- From the random place to the end, then from the beginning to that place.
        CROSS JOIN (VALUES (1), (2)) AS parts (part)
        WHERE wanted.tenant_id IS NULL
        UNION ALL
        SELECT
            walk.stream_rank,
            walk.part,
            next.hash,
            next.tenant_id,
            walk.end_hash,
            next.is_due,
            walk.due_lanes + next.is_due::integer
        FROM walk
        CROSS JOIN LATERAL (
            SELECT
                entry.tenant_hash AS hash,
                entry.tenant_id,
                entry.available_at <= pg_catalog.statement_timestamp() AS is_due
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.stream_rank = walk.stream_rank
              AND (entry.tenant_hash, entry.tenant_id) > (walk.hash, walk.tenant_id)
              AND entry.tenant_hash < walk.end_hash
            ORDER BY entry.stream_rank, entry.tenant_hash, entry.tenant_id, entry.available_at
            LIMIT 1
        ) AS next
        WHERE walk.due_lanes < (SELECT max_lanes FROM wanted)
    )
    SELECT stream_rank, hash, tenant_id, pg_catalog.random() AS lot, NULL::text AS recipient_domain, NULL::bigint AS allowance
    FROM (
        SELECT stream_rank, part, hash, tenant_id,
            pg_catalog.row_number() OVER (PARTITION BY stream_rank ORDER BY part, hash, tenant_id) AS place
        FROM walk
        WHERE is_due
    ) AS due
    WHERE place <= (SELECT max_lanes FROM wanted)
    UNION ALL
    SELECT streams.stream_rank, pg_catalog.hashtext(wanted.tenant_id), wanted.tenant_id, pg_catalog.random(), NULL, NULL
    FROM wanted
    CROSS JOIN (VALUES (1::pg_catalog.int2), (2), (3)) AS streams (stream_rank)
    WHERE wanted.tenant_id IS NOT NULL
)
