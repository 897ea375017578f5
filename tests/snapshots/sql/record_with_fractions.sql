-- a statement of record.sql

SELECT "mailglass_events"."id", "mailglass_events"."normalized_payload", "mailglass_events"."metadata"
FROM "mailglass_events"
WHERE ("mailglass_events"."id" = ANY($1));
