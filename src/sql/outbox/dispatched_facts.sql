-- Reads `inserted` and `linked`. Makes `facts`: the new events, and those that waited for the messages.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM inserted
    UNION ALL
    SELECT delivery_id, type, occurred_at
    FROM linked
)
