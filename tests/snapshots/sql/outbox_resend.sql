WITH named AS (
    SELECT
        $1 AS tenant_id,
        $2 AS delivery_id
    OFFSET 0
),
-- Reads `named`. Makes `changed`: makes a held row due. Its last attempt counts as ended, so that no claim holds it again.
changed AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = named.due_at,
        held_at = NULL,
        last_attempt = CASE WHEN entry.last_attempt = 'unknown' THEN 'ended' ELSE entry.last_attempt END
    FROM (SELECT named.*, pg_catalog.statement_timestamp() AS due_at FROM named LIMIT (SELECT NULL::bigint)) AS named
    WHERE entry.delivery_id = named.delivery_id
      AND (entry.tenant_id = named.tenant_id AND entry.held_at IS NOT NULL) IS TRUE
    RETURNING entry.delivery_id
)
-- Returns the changed rows, and wakes the workers that wait, when the transaction commits.
SELECT delivery_id
FROM changed
WHERE (
    SELECT pg_catalog.count(*)
    FROM (SELECT pg_catalog.pg_notify('mailglass_outbox', '') FROM changed LIMIT 1) AS notified
) IS NOT NULL;
