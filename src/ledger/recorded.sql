SELECT
    id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata,
    trace_id, needs_reconciliation, inserted_at
FROM inserted
