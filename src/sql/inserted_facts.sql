-- Reads `inserted`. Makes `facts`: the new facts of existing deliveries. Replays were not inserted, so they change nothing.
facts AS (
    SELECT delivery_id, type, occurred_at
    FROM inserted
    WHERE delivery_id IS NOT NULL
      AND NOT needs_reconciliation
)
