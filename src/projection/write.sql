-- next -> projected: writes the rows that move, and only those, so that a replay moves nothing.
-- LIMIT NULL takes nothing away, but behind a SELECT it leaves the planner expecting so few rows that it looks each up by
-- its id. Of a table that was small or not analyzed yet it would read the whole, and a connection keeps such a plan until
-- the next ANALYZE.
projected AS (
    UPDATE mailglass_deliveries AS delivery
    SET
        last_event_type = next.last_event_type,
        last_event_at = next.last_event_at,
        terminal = next.terminal,
        dispatched_at = next.dispatched_at,
        delivered_at = next.delivered_at,
        bounced_at = next.bounced_at,
        complained_at = next.complained_at,
        suppressed_at = next.suppressed_at,
        status = next.status,
        -- Only ever compared for equality, so it starts again instead of failing.
        lock_version = CASE WHEN delivery.lock_version = 2147483647 THEN 1 ELSE delivery.lock_version + 1 END,
        updated_at = pg_catalog.now()
    FROM (SELECT * FROM next LIMIT (SELECT NULL::bigint)) AS next
    WHERE delivery.id = next.id
      AND (
          delivery.last_event_type::text, delivery.last_event_at, delivery.terminal, delivery.dispatched_at,
          delivery.delivered_at, delivery.bounced_at, delivery.complained_at, delivery.suppressed_at,
          delivery.status::text
      ) IS DISTINCT FROM (
          next.last_event_type::text, next.last_event_at, next.terminal, next.dispatched_at,
          next.delivered_at, next.bounced_at, next.complained_at, next.suppressed_at,
          next.status::text
      )
    RETURNING delivery.id
)
