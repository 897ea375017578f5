-- inserted -> facts: what is new about deliveries that are there. A replay is not in `inserted`, so it moves nothing.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM inserted
    WHERE delivery_id IS NOT NULL AND NOT needs_reconciliation
)
