-- Makes `page`: all events.
page AS (
    SELECT id, tenant_id, delivery_id, occurred_at, inserted_at, needs_reconciliation
    FROM mailglass_events
)
