-- Reads `resolved`. Makes `outcomes`: what becomes of each link.
-- The times are computed here, because Citus rejects clock_timestamp() in an UPDATE, and now() within a CASE of an UPDATE.
outcomes AS (
    SELECT
        event_id,
        delivery_id,
        waiting_reason,
        expired,
        -- The wall clock, so that several sweeps of one transaction reach each orphan in turn.
        pg_catalog.clock_timestamp() AS checked_at,
        CASE WHEN delivery_id IS NOT NULL THEN pg_catalog.now() END AS linked_at,
        CASE WHEN expired THEN pg_catalog.now() END AS expired_at
    FROM (
        SELECT
            event_id,
            found_delivery_id AS delivery_id,
            CASE
                WHEN found_delivery_id IS NOT NULL THEN waiting_reason
                WHEN ambiguous THEN 'ambiguous'
                WHEN waiting_reason = 'malformed' THEN 'malformed'
                ELSE 'no_delivery'
            END AS waiting_reason,
            found_delivery_id IS NULL
                AND inserted_at <= pg_catalog.now() - pg_catalog.make_interval(secs => :max_age) AS expired
        FROM resolved
    ) AS outcome
)
