SELECT id, delivery_id, needs_reconciliation, inserted_at
FROM inserted
