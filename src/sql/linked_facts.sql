-- Reads `outcomes`. Makes `facts`: the events that this sweep links.
facts AS (
    SELECT outcomes.delivery_id, event.type, event.occurred_at
    FROM outcomes
    JOIN mailglass_events AS event ON event.id = outcomes.event_id
    WHERE outcomes.delivery_id IS NOT NULL
)
