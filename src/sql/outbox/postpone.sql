-- Reads `locked`. Makes `postponed`: ends the lease, and makes the row due later.
postponed AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = locked.due_at,
        last_attempt = 'ended',
        lease_id = NULL,
        worker = NULL
    FROM (
        SELECT
            delivery_id,
            lease_id,
            last_error,
            pg_catalog.statement_timestamp() + pg_catalog.make_interval(secs => after) AS due_at
        FROM locked
        LIMIT (SELECT NULL::bigint)
    ) AS locked
    WHERE entry.delivery_id = locked.delivery_id
      AND entry.lease_id = locked.lease_id
    RETURNING entry.delivery_id, entry.available_at, locked.last_error
)
