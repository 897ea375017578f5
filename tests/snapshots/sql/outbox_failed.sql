BEGIN;

SELECT "mailglass_deliveries"."id"
FROM "mailglass_deliveries"
WHERE (("mailglass_deliveries"."id" = $1) AND (("mailglass_deliveries"."tenant_id" = $2) IS NOT DISTINCT
FROM $3))
LIMIT $4
FOR NO KEY UPDATE;

DELETE
FROM "mailglass_outbox"
WHERE (("mailglass_outbox"."delivery_id" = $1) AND ("mailglass_outbox"."lease_id" = $2));

UPDATE "mailglass_deliveries"
SET "last_error" = $1
WHERE (("mailglass_deliveries"."id" = $2) AND (("mailglass_deliveries"."tenant_id" = $3) IS NOT DISTINCT
FROM $4));

-- a statement of record.sql

-- a statement of find.sql

COMMIT;
