-- Reads `inserted`. Makes `facts`.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM inserted
)
