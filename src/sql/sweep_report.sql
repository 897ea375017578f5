SELECT
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NOT NULL) AS linked,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason <> 'ambiguous') AS waiting,
    pg_catalog.count(*) FILTER (WHERE delivery_id IS NULL AND NOT expired AND waiting_reason = 'ambiguous') AS ambiguous,
    pg_catalog.count(*) FILTER (WHERE expired) AS expired
FROM outcomes
