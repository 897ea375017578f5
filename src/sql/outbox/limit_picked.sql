-- Reads `candidates` and `windows`. Makes `picked`: those within the limits. Several lanes share the limit of a tenant, or of a domain.
picked AS (
    SELECT candidates.*
    FROM (
        SELECT
            candidates,
            held_at,
            tenant_id,
            recipient_domain,
            pg_catalog.row_number() OVER (PARTITION BY held_at IS NULL, tenant_id ORDER BY stream_rank, available_at) AS place_in_tenant,
            pg_catalog.row_number() OVER (
                PARTITION BY held_at IS NULL, tenant_id, recipient_domain ORDER BY stream_rank, available_at
            ) AS place_in_domain
        FROM (SELECT DISTINCT ON (delivery_id) * FROM candidates ORDER BY delivery_id) AS candidates
    ) AS placed
    CROSS JOIN LATERAL (SELECT (placed.candidates).*) AS candidates
    WHERE placed.held_at IS NOT NULL
       OR NOT EXISTS (
           SELECT
           FROM windows
           LEFT JOIN LATERAL (
               SELECT used.claims
               FROM mailglass_outbox_usage AS used
               WHERE used.tenant_id = placed.tenant_id
                 AND used.recipient_domain = CASE WHEN windows.is_of_domain THEN placed.recipient_domain ELSE '' END
                 AND used.window_seconds = windows.seconds
                 AND (used.window_ends_at = windows.ends_at) IS TRUE
               OFFSET 0
           ) AS used ON true
           WHERE CASE WHEN windows.is_of_domain THEN placed.place_in_domain ELSE placed.place_in_tenant END
               > windows.claims - coalesce(used.claims, 0)
       )
)
