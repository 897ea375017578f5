-- Reads `mailglass_cut_deliveries` and `judged`. Returns what would leave.
SELECT
    (SELECT pg_catalog.count(*) FROM mailglass_deliveries) AS deliveries,
    (SELECT pg_catalog.count(*) FROM mailglass_cut_deliveries) AS deliveries_leaving,
    pg_catalog.count(*) AS events,
    pg_catalog.count(*) FILTER (WHERE leaves) AS events_leaving
FROM judged
