BEGIN;

-- a statement of mark_dispatched.sql

DELETE
FROM "mailglass_outbox"
WHERE (("mailglass_outbox"."delivery_id" = $1) AND ("mailglass_outbox"."lease_id" = $2));

UPDATE "mailglass_deliveries"
SET "last_error" = $1
WHERE ("mailglass_deliveries"."id" = $2);

-- a statement of record.sql

-- a statement of find.sql

COMMIT;
