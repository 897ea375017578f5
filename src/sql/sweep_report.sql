SELECT
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NOT NULL) AS linked,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason <> 'ambiguous') AS waiting,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason = 'ambiguous') AS ambiguous,
    pg_catalog.count(*) FILTER (WHERE expired) AS expired,
    ARRAY(SELECT event_id FROM linked ORDER BY event_id) AS linked_events,
    ARRAY(SELECT delivery_id FROM linked ORDER BY event_id) AS linked_deliveries
FROM outcomes
