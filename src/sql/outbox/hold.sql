-- Reads `named`. Makes `changed`: holds a row. An attempt that has begun may have sent the message.
changed AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = named.held_at,
        held_at = coalesce(entry.held_at, named.held_at),
        last_attempt = CASE WHEN entry.last_attempt = 'begun' THEN 'unknown' ELSE entry.last_attempt END,
        lease_id = NULL,
        worker = NULL
    FROM (SELECT named.*, pg_catalog.statement_timestamp() AS held_at FROM named LIMIT (SELECT NULL::bigint)) AS named
    WHERE entry.delivery_id = named.delivery_id
      AND (entry.tenant_id = named.tenant_id) IS TRUE
    RETURNING entry.delivery_id
)
