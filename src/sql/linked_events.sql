-- Reads `outcomes`. Makes `linked` (event_id, delivery_id, type, occurred_at): the events that are linked now.
-- OFFSET 0: see timeline.sql.
linked AS (
    SELECT outcomes.event_id, outcomes.delivery_id, event.type, event.occurred_at
    FROM outcomes
    CROSS JOIN LATERAL (
        SELECT type, occurred_at FROM mailglass_events AS event WHERE event.id = outcomes.event_id OFFSET 0
    ) AS event
    WHERE outcomes.delivery_id IS NOT NULL
)
