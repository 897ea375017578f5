-- Reads `inserted` and `resolved`. Makes `waiting`: the new events that wait for their delivery.
waiting AS (
    SELECT resolved.*
    FROM inserted
    JOIN resolved ON resolved.id = inserted.id
    WHERE inserted.needs_reconciliation
)
