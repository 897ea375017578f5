-- Whether row-level security hides details from this role.
SELECT coalesce(pg_catalog.row_security_active(pg_catalog.to_regclass('mailglass_event_details')::oid), false) AS is_hidden;

-- Deletes details that are older than $1, at most $3. Rows that another process deletes are skipped.
DELETE FROM mailglass_event_details
WHERE event_id = ANY (ARRAY(
    SELECT event_id
    FROM mailglass_event_details
    WHERE $1 > inserted_at
      AND ($2 IS NULL OR tenant_id = $2)
    ORDER BY inserted_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
));
