-- Makes `forgotten`: deletes windows that have ended. A row that a claim is counting in is locked, and skipped.
forgotten AS (
    DELETE FROM mailglass_outbox_usage AS used
    USING (
        SELECT ended.tenant_id, ended.recipient_domain, ended.window_seconds
        FROM mailglass_outbox_usage AS ended
        WHERE ended.window_ends_at <= pg_catalog.statement_timestamp()
        ORDER BY ended.window_ends_at
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    ) AS ended
    WHERE used.tenant_id = ended.tenant_id
      AND used.recipient_domain = ended.recipient_domain
      AND used.window_seconds = ended.window_seconds
)
