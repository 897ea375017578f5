SELECT "mailglass_deliveries"."id", "mailglass_deliveries"."tenant_id", "mailglass_deliveries"."mailable",
    "mailglass_deliveries"."stream", "mailglass_deliveries"."recipient", "mailglass_deliveries"."recipient_domain",
    "mailglass_deliveries"."provider", "mailglass_deliveries"."provider_message_id",
    "mailglass_deliveries"."last_event_type", "mailglass_deliveries"."last_event_at",
    "mailglass_deliveries"."terminal", "mailglass_deliveries"."dispatched_at", "mailglass_deliveries"."delivered_at",
    "mailglass_deliveries"."bounced_at", "mailglass_deliveries"."complained_at",
    "mailglass_deliveries"."suppressed_at", "mailglass_deliveries"."metadata", "mailglass_deliveries"."lock_version",
    "mailglass_deliveries"."idempotency_key", "mailglass_deliveries"."status", "mailglass_deliveries"."last_error",
    "mailglass_deliveries"."inserted_at", "mailglass_deliveries"."updated_at"
FROM "mailglass_deliveries"
WHERE (("mailglass_deliveries"."id" = $1) AND (("mailglass_deliveries"."tenant_id" = $2) IS NOT DISTINCT
FROM $3))
LIMIT $4;
