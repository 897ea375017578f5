SELECT "mailglass_event_details"."data"
FROM "mailglass_event_details"
WHERE (("mailglass_event_details"."event_id" = $1) AND (("mailglass_event_details"."tenant_id" = $2) IS NOT DISTINCT
FROM $3))
LIMIT $4;
