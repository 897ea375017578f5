-- a statement of record.sql

SELECT "mailglass_events"."id", "mailglass_events"."tenant_id", "mailglass_events"."delivery_id",
    "mailglass_events"."type", "mailglass_events"."occurred_at", "mailglass_events"."idempotency_key",
    "mailglass_events"."reject_reason", "mailglass_events"."normalized_payload", "mailglass_events"."metadata",
    "mailglass_events"."trace_id", "mailglass_events"."needs_reconciliation", "mailglass_events"."inserted_at"
FROM "mailglass_events"
WHERE ("mailglass_events"."id" = ANY($1));
