-- Reads `resolved`. Makes `outcomes`: what becomes of each link.
outcomes AS (
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
)
