-- Makes `wanted`: a pending link, moved behind the others.
-- `clock` is a CTE, because Citus rejects clock_timestamp() in an UPDATE.
clock AS (
    SELECT pg_catalog.clock_timestamp() AS checked_at
),
wanted AS (
    UPDATE mailglass_event_links AS link
    SET checked_at = clock.checked_at
    FROM clock
    WHERE link.event_id = :event
      AND link.linked_at IS NULL
      AND link.expired_at IS NULL
    RETURNING link.*
)
