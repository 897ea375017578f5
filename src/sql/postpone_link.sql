-- Makes `wanted`: a pending link, moved behind the others.
wanted AS (
    UPDATE mailglass_event_links
    SET checked_at = pg_catalog.clock_timestamp()
    WHERE event_id = :event
      AND linked_at IS NULL
      AND expired_at IS NULL
    RETURNING *
)
