WITH failed AS (
    SELECT
        $1 AS delivery_id,
        $2 AS tenant_id,
        $3 AS lease_id,
        $4 AS last_error,
        $5 AS after
    OFFSET 0
),
-- Reads `failed`. Makes `locked`: locks the delivery before its row of the outbox, in the order of sent.sql.
locked AS (
    SELECT failed.*
    FROM failed
    CROSS JOIN LATERAL (
        SELECT id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = failed.delivery_id
          AND (delivery.tenant_id = failed.tenant_id) IS TRUE
        FOR NO KEY UPDATE
    ) AS delivery
),
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
),
-- Reads `postponed`. Makes `written`: stores the error of the attempt.
written AS (
    UPDATE mailglass_deliveries AS delivery
    SET
        last_error = postponed.last_error,
        lock_version = CASE WHEN delivery.lock_version = 2147483647 THEN 1 ELSE delivery.lock_version + 1 END,
        updated_at = pg_catalog.now()
    FROM (SELECT * FROM postponed LIMIT (SELECT NULL::bigint)) AS postponed
    WHERE delivery.id = postponed.delivery_id
)
SELECT available_at
FROM postponed;
