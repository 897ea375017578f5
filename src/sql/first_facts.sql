-- Reads `input`. Makes `facts`: the first event of each delivery.
facts AS (
    SELECT id AS delivery_id, event_type AS type, occurred_at
    FROM input
)
