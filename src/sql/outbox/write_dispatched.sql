-- Reads `next` and `locked`. Makes `written`: the message and the projection, in one update. The first message stays.
written AS (
    UPDATE mailglass_deliveries AS delivery
    SET
        provider = CASE WHEN next.is_new THEN next.provider ELSE delivery.provider END,
        provider_message_id = CASE WHEN next.is_new THEN next.provider_message_id ELSE delivery.provider_message_id END,
        last_event_type = next.last_event_type,
        last_event_at = next.last_event_at,
        terminal = next.terminal,
        dispatched_at = next.dispatched_at,
        delivered_at = next.delivered_at,
        bounced_at = next.bounced_at,
        complained_at = next.complained_at,
        suppressed_at = next.suppressed_at,
        status = next.status,
        lock_version = CASE WHEN delivery.lock_version = 2147483647 THEN 1 ELSE delivery.lock_version + 1 END,
        updated_at = pg_catalog.now()
    FROM (
        SELECT next.*, locked.is_new, locked.provider, locked.provider_message_id
        FROM next
        JOIN locked ON locked.delivery_id = next.id
        -- See write_projections.sql.
        LIMIT (SELECT NULL::bigint)
    ) AS next
    WHERE delivery.id = next.id
    RETURNING delivery.*
)
