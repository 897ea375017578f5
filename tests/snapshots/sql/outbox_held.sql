SELECT "mailglass_outbox"."delivery_id", "mailglass_outbox"."tenant_id", "mailglass_outbox"."stream",
    "mailglass_outbox"."attempts", ("mailglass_outbox"."last_attempt" = $1), "mailglass_outbox"."held_at"
FROM "mailglass_outbox"
WHERE ("mailglass_outbox"."held_at" IS NOT NULL)
ORDER BY "mailglass_outbox"."held_at", "mailglass_outbox"."delivery_id"
LIMIT $2;
