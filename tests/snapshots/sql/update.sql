UPDATE "mailglass_deliveries"
SET "metadata" = $1, "lock_version" = CASE WHEN lock_version = 2147483647 THEN 1 ELSE lock_version + 1 END,
    "updated_at" = CURRENT_TIMESTAMP
WHERE ((("mailglass_deliveries"."id" = $2) AND (("mailglass_deliveries"."tenant_id" = $3) IS NOT DISTINCT
FROM $4)) AND ("mailglass_deliveries"."lock_version" = $5))
RETURNING "mailglass_deliveries"."id", "mailglass_deliveries"."tenant_id", "mailglass_deliveries"."mailable",
    "mailglass_deliveries"."stream", "mailglass_deliveries"."recipient", "mailglass_deliveries"."recipient_domain",
    "mailglass_deliveries"."provider", "mailglass_deliveries"."provider_message_id",
    "mailglass_deliveries"."last_event_type", "mailglass_deliveries"."last_event_at",
    "mailglass_deliveries"."terminal", "mailglass_deliveries"."dispatched_at", "mailglass_deliveries"."delivered_at",
    "mailglass_deliveries"."bounced_at", "mailglass_deliveries"."complained_at",
    "mailglass_deliveries"."suppressed_at", "mailglass_deliveries"."metadata", "mailglass_deliveries"."lock_version",
    "mailglass_deliveries"."idempotency_key", "mailglass_deliveries"."status", "mailglass_deliveries"."last_error",
    "mailglass_deliveries"."inserted_at", "mailglass_deliveries"."updated_at";
