-- Reads `folded`. Makes `next`: the projection columns of each existing delivery, merged with its row.
-- The rows are locked one by one in the order of their ids, whatever the order of the events and the plan, so that two
-- batches never wait for each other. After a wait the lock returns the newest version of the row, so that no concurrent
-- change is lost.
next AS MATERIALIZED (
    SELECT
        delivery.id,
        CASE
            WHEN (folded.last_event_at, pg_catalog.array_position(:lifecycle, folded.last_event_type::text))
               > (delivery.last_event_at, pg_catalog.array_position(:lifecycle, delivery.last_event_type::text))
            THEN folded.last_event_type
            ELSE delivery.last_event_type
        END AS last_event_type,
        greatest(delivery.last_event_at, folded.last_event_at) AS last_event_at,
        delivery.terminal OR folded.terminal AS terminal,
        least(delivery.dispatched_at, folded.dispatched_at) AS dispatched_at,
        least(delivery.delivered_at, folded.delivered_at) AS delivered_at,
        least(delivery.bounced_at, folded.bounced_at) AS bounced_at,
        least(delivery.complained_at, folded.complained_at) AS complained_at,
        least(delivery.suppressed_at, folded.suppressed_at) AS suppressed_at,
        -- A status of a newer release has no rank and is kept.
        CASE
            WHEN pg_catalog.array_position(:status_order, folded.status::text)
               > pg_catalog.array_position(:status_order, delivery.status::text)
            THEN folded.status
            ELSE delivery.status
        END AS status
    FROM (SELECT * FROM folded ORDER BY id) AS folded
    CROSS JOIN LATERAL (
        SELECT
            id,
            :projection
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = folded.id
        FOR NO KEY UPDATE
    ) AS delivery
)
