SELECT "mailglass_deliveries"."id"
FROM "mailglass_deliveries"
WHERE ("mailglass_deliveries"."tenant_id" = $1)
ORDER BY "mailglass_deliveries"."id"
LIMIT $2;

BEGIN;

SELECT "mailglass_deliveries"."id"
FROM "mailglass_deliveries"
WHERE (("mailglass_deliveries"."tenant_id" = $1) AND ("mailglass_deliveries"."id" = ANY($2)))
ORDER BY "mailglass_deliveries"."id"
FOR NO KEY UPDATE;

-- a statement of insert_with_id.sql

COMMIT;

SELECT "mailglass_deliveries"."id"
FROM "mailglass_deliveries"
WHERE (("mailglass_deliveries"."tenant_id" = $1) AND ("mailglass_deliveries"."id" > $2))
ORDER BY "mailglass_deliveries"."id"
LIMIT $3;
