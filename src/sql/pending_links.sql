-- Makes `wanted`: the links that this sweep checks, least recently checked first.
wanted AS (
    SELECT *
    FROM mailglass_event_links
    WHERE linked_at IS NULL
      AND expired_at IS NULL
      AND waiting_reason <> 'unread'
      AND (:tenant IS NULL OR tenant_id = :tenant)
      AND (:events_only IS NULL OR event_id = ANY (:events_only))
      AND inserted_at <= pg_catalog.now() - pg_catalog.make_interval(secs => :grace)
    ORDER BY checked_at
    LIMIT :limit
    -- Skip rows that another sweep has locked.
    FOR UPDATE SKIP LOCKED
)
