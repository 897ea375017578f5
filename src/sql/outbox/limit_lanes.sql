-- Reads `due_lanes` and `windows`. Makes `lanes` (or `tenant_lanes`): the lanes of tenants whose limit is not reached.
:limited_lanes AS (
    SELECT
        due_lanes.stream_rank,
        due_lanes.hash,
        due_lanes.tenant_id,
        due_lanes.lot,
        due_lanes.recipient_domain,
        windows.claims - coalesce(used.claims, 0) AS allowance
    FROM due_lanes
    LEFT JOIN windows ON NOT windows.is_of_domain
    LEFT JOIN LATERAL (
        SELECT used.claims
        FROM mailglass_outbox_usage AS used
        WHERE used.tenant_id = due_lanes.tenant_id
          AND used.recipient_domain = ''
          AND used.window_seconds = windows.seconds
          AND (used.window_ends_at = windows.ends_at) IS TRUE
        OFFSET 0
    ) AS used ON true
    WHERE windows.claims IS NULL OR windows.claims > coalesce(used.claims, 0)
)
