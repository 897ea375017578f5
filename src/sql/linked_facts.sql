-- Reads `linked`. Makes `facts`.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM linked
)
