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
