-- Deletes details that are older than :before, at most :batch. Rows that another process deletes are skipped.
DELETE FROM mailglass_event_details
WHERE event_id = ANY (ARRAY(
    SELECT event_id
    FROM mailglass_event_details
    WHERE :before > inserted_at
      AND (:tenant IS NULL OR tenant_id = :tenant)
    ORDER BY inserted_at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
))
