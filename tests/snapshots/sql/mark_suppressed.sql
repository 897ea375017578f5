BEGIN;

-- a statement of mark_dispatched.sql

UPDATE "mailglass_deliveries"
SET "lock_version" = CASE WHEN lock_version = 2147483647 THEN 1 ELSE lock_version + 1 END,
    "updated_at" = CURRENT_TIMESTAMP
WHERE ((("mailglass_deliveries"."id" = $1) AND (("mailglass_deliveries"."tenant_id" = $2) IS NOT DISTINCT
FROM $3)) AND ("mailglass_deliveries"."lock_version" = $4))
RETURNING "mailglass_deliveries"."id", "mailglass_deliveries"."tenant_id", "mailglass_deliveries"."mailable",
    "mailglass_deliveries"."stream", "mailglass_deliveries"."recipient", "mailglass_deliveries"."recipient_domain",
    "mailglass_deliveries"."provider", "mailglass_deliveries"."provider_message_id",
    "mailglass_deliveries"."last_event_type", "mailglass_deliveries"."last_event_at",
    "mailglass_deliveries"."terminal", "mailglass_deliveries"."dispatched_at", "mailglass_deliveries"."delivered_at",
    "mailglass_deliveries"."bounced_at", "mailglass_deliveries"."complained_at",
    "mailglass_deliveries"."suppressed_at", "mailglass_deliveries"."metadata", "mailglass_deliveries"."lock_version",
    "mailglass_deliveries"."idempotency_key", "mailglass_deliveries"."status", "mailglass_deliveries"."last_error",
    "mailglass_deliveries"."inserted_at", "mailglass_deliveries"."updated_at";

-- a statement of record.sql

-- a statement of find.sql

COMMIT;
