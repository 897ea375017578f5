-- Counts the events that leave. They are not counted under the lock, after which none is added or removed.
SELECT pg_catalog.count(*) AS count
FROM mailglass_cut_events
