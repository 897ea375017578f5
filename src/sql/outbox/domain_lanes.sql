-- Reads `wanted`, `tenant_lanes` and `windows`. Makes `lanes`: the recipient domains of each lane whose limit is not reached. It
-- jumps from domain to domain, from a random place, as lanes.sql does from tenant to tenant.
lanes AS (
    WITH RECURSIVE walk AS (
        SELECT
            tenant_lanes.stream_rank,
            tenant_lanes.tenant_id,
            tenant_lanes.allowance,
            part,
            CASE part WHEN 1 THEN place.domain ELSE '' END AS recipient_domain,
            CASE part WHEN 2 THEN place.domain END AS end_domain,
            NULL::bigint AS domain_allowance,
            0::bigint AS open_lanes
        FROM tenant_lanes
        CROSS JOIN LATERAL (
            SELECT pg_catalog.concat(
                pg_catalog.chr(97 + pg_catalog.floor(tenant_lanes.lot * 26)::integer),
                pg_catalog.chr(97 + pg_catalog.floor(pg_catalog.random() * 26)::integer)
            ) AS domain
            OFFSET 0
        ) AS place
        CROSS JOIN (VALUES (1), (2)) AS parts (part)
        UNION ALL
        SELECT
            walk.stream_rank,
            walk.tenant_id,
            walk.allowance,
            walk.part,
            next.recipient_domain,
            walk.end_domain,
            allowed.claims,
            walk.open_lanes + (allowed.claims > 0)::integer
        FROM walk
        CROSS JOIN LATERAL (
            SELECT entry.recipient_domain, entry.available_at
            FROM mailglass_outbox AS entry
            WHERE entry.held_at IS NULL
              AND entry.tenant_id = walk.tenant_id
              AND entry.stream_rank = walk.stream_rank
              AND entry.recipient_domain > walk.recipient_domain
            ORDER BY entry.tenant_id, entry.stream_rank, entry.recipient_domain, entry.available_at
            LIMIT 1
        ) AS next
        CROSS JOIN LATERAL (
            SELECT
                CASE
                    WHEN next.available_at > pg_catalog.statement_timestamp() THEN 0
                    ELSE windows.claims - coalesce(used.claims, 0)
                END AS claims
            FROM windows
            LEFT JOIN LATERAL (
                SELECT used.claims
                FROM mailglass_outbox_usage AS used
                WHERE used.tenant_id = walk.tenant_id
                  AND used.recipient_domain = next.recipient_domain
                  AND used.window_seconds = windows.seconds
                  AND (used.window_ends_at = windows.ends_at) IS TRUE
                OFFSET 0
            ) AS used ON true
            WHERE windows.is_of_domain
        ) AS allowed
        WHERE (walk.end_domain IS NULL OR next.recipient_domain < walk.end_domain)
          AND walk.open_lanes < (SELECT max_lanes FROM wanted)
    )
    SELECT
        stream_rank,
        0 AS hash,
        tenant_id,
        pg_catalog.random() AS lot,
        recipient_domain,
        least(allowance, domain_allowance) AS allowance
    FROM (
        SELECT walk.*, pg_catalog.row_number() OVER (PARTITION BY stream_rank, tenant_id ORDER BY part, recipient_domain) AS place
        FROM walk
        WHERE domain_allowance > 0
    ) AS open
    WHERE place <= (SELECT max_lanes FROM wanted)
)
