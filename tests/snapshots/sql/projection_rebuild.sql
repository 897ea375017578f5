BEGIN;

-- a statement of find.sql

SELECT "mailglass_deliveries"."id"
FROM "mailglass_deliveries"
WHERE ("mailglass_deliveries"."id" = $1)
FOR NO KEY UPDATE;

-- a statement of insert_with_id.sql

-- a statement of find.sql

COMMIT;
