-- Reads `early`. Makes `outcomes`: each link is completed. The times are computed here: see sweep_outcomes.sql.
outcomes AS (
    SELECT
        event_id,
        delivery_id,
        waiting_reason,
        pg_catalog.clock_timestamp() AS checked_at,
        pg_catalog.now() AS linked_at,
        expired_at
    FROM early
)
