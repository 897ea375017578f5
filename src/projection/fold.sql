-- facts (delivery_id, type, occurred_at) -> folded: one row a delivery, its projection columns.
folded AS (
    SELECT
        delivery_id AS id,
        (array_agg(type ORDER BY occurred_at DESC, lifecycle_rank DESC))[1] AS last_event_type,
        max(occurred_at) AS last_event_at,
        bool_or((:terminal_by_lifecycle)[lifecycle_rank]) AS terminal,
        min(occurred_at) FILTER (WHERE type = 'dispatched') AS dispatched_at,
        min(occurred_at) FILTER (WHERE type = 'delivered') AS delivered_at,
        min(occurred_at) FILTER (WHERE type = 'bounced') AS bounced_at,
        min(occurred_at) FILTER (WHERE type = 'complained') AS complained_at,
        min(occurred_at) FILTER (WHERE type = 'suppressed') AS suppressed_at,
        (:status_order)[coalesce(max((:status_rank_by_lifecycle)[lifecycle_rank]), 1)]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (SELECT array_position(:lifecycle, type::text) AS lifecycle_rank) AS ranked
    GROUP BY delivery_id
)
