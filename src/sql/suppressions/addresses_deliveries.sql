-- Reads `address` (row_id, tenant_id, recipient, window_seconds). Makes `subject`: the deliveries to each address that may have bounced
-- in the window. A bounced delivery has failed, or its message was suppressed, and its last event is not before the bounce.
-- In a scope, by the domain: see match_deliveries.sql. It reads the deliveries to the domain that are new enough. A delivery that
-- is a week older than the window bounces no more.
subject AS (
    SELECT address.row_id, address.tenant_id, delivery.id AS delivery_id, address.window_seconds
    FROM address
    CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.status::text AS status, delivery.last_event_at
        FROM mailglass_deliveries AS delivery
        WHERE pg_catalog.current_setting('mailglass.tenant_id', true) <> ''
          AND delivery.tenant_id = address.tenant_id
          AND delivery.recipient_domain = address.domain
          AND delivery.inserted_at
              > pg_catalog.now() - pg_catalog.make_interval(secs => address.window_seconds + 604800)
          AND (
              pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(address.recipient COLLATE "C")
          ) IS TRUE
        UNION ALL
        SELECT delivery.id, delivery.status::text AS status, delivery.last_event_at
        FROM mailglass_deliveries AS delivery
        WHERE (pg_catalog.current_setting('mailglass.tenant_id', true) <> '') IS NOT TRUE
          AND delivery.tenant_id = address.tenant_id
          AND pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(address.recipient COLLATE "C")
        OFFSET 0
    ) AS delivery
    WHERE delivery.status IN ('failed', 'suppressed')
      AND delivery.last_event_at > pg_catalog.now() - pg_catalog.make_interval(secs => address.window_seconds)
)
