-- Reads `facts` (delivery_id, type, occurred_at). Makes `folded`: the projection columns of each delivery, by `id`.
-- An event type that this build does not know has no rank and is left out.
folded AS (
    SELECT
        delivery_id AS id,
        (pg_catalog.array_agg(type ORDER BY occurred_at DESC, lifecycle_rank DESC))[1] AS last_event_type,
        pg_catalog.max(occurred_at) AS last_event_at,
        pg_catalog.bool_or((:terminal_by_lifecycle)[lifecycle_rank]) AS terminal,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'dispatched') AS dispatched_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'delivered') AS delivered_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'bounced') AS bounced_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'complained') AS complained_at,
        pg_catalog.min(occurred_at) FILTER (WHERE type::text = 'suppressed') AS suppressed_at,
        (:status_order)[
            coalesce(pg_catalog.max((:status_rank_by_lifecycle)[lifecycle_rank]), 1)
        ]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_position(:lifecycle, type::text) AS lifecycle_rank
    ) AS ranked
    WHERE lifecycle_rank IS NOT NULL
    GROUP BY delivery_id
)
