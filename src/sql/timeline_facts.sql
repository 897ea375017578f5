-- Reads `timeline`. Makes `facts`.
facts AS (
    SELECT timeline_of AS delivery_id, type, occurred_at
    FROM timeline
)
