-- Reads `facts` (delivery_id, type, occurred_at). Makes `folded`: the projection columns of each delivery, by `id`.
-- An event type that this build does not know has no rank and is left out.
folded AS (
    SELECT
        delivery_id AS id,
        -- The greatest (occurred_at, lifecycle_rank), as one number: microseconds since 1970, and the rank in the last five
        -- bits. An aggregate with ORDER BY sorts every delivery by itself. Measured: 7 % of `record` of 1,000 events.
        (:lifecycle)[
            pg_catalog.max(
                (extract(epoch FROM occurred_at) OPERATOR(pg_catalog.*) 32000000)::bigint + lifecycle_rank
            ) OPERATOR(pg_catalog.&) 31
        ]::mailglass_event_type AS last_event_type,
        pg_catalog.max(occurred_at) AS last_event_at,
        pg_catalog.bool_or((:terminal_by_lifecycle)[lifecycle_rank]) AS terminal,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'dispatched') AS dispatched_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'delivered') AS delivered_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'bounced') AS bounced_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'complained') AS complained_at,
        pg_catalog.min(occurred_at) FILTER (WHERE label = 'suppressed') AS suppressed_at,
        (:status_order)[
            coalesce(pg_catalog.max((:status_rank_by_lifecycle)[lifecycle_rank]), 1)
        ]::mailglass_delivery_status AS status
    FROM facts
    CROSS JOIN LATERAL (
        SELECT label, pg_catalog.array_position(:lifecycle, label) AS lifecycle_rank
        FROM (SELECT type::text AS label OFFSET 0) AS typed
    ) AS ranked
    WHERE lifecycle_rank IS NOT NULL
    GROUP BY delivery_id
)
