SELECT "mailglass_events"."id", "mailglass_events"."tenant_id", "mailglass_events"."delivery_id",
    "mailglass_events"."type", "mailglass_events"."occurred_at", "mailglass_events"."idempotency_key",
    "mailglass_events"."reject_reason", "mailglass_events"."normalized_payload", "mailglass_events"."metadata",
    "mailglass_events"."trace_id", "mailglass_events"."needs_reconciliation", "mailglass_events"."inserted_at",
    "mailglass_event_links"."waiting_reason", "mailglass_event_links"."named_delivery_id",
    "mailglass_event_links"."provider", "mailglass_event_links"."provider_message_id",
    "mailglass_event_links"."recipient", "mailglass_event_links"."inserted_at", "mailglass_event_links"."checked_at",
    "mailglass_event_links"."expired_at"
FROM ("mailglass_event_links"
INNER JOIN "mailglass_events" ON ("mailglass_events"."id" = "mailglass_event_links"."event_id"))
WHERE (("mailglass_event_links"."tenant_id" = $1) AND ("mailglass_event_links"."expired_at" IS NOT NULL))
ORDER BY "mailglass_event_links"."expired_at" DESC
LIMIT $2;
