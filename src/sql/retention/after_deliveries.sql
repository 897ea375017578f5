-- Moves the cut behind the page; the last page begins the next phase.
UPDATE mailglass_cut
SET
    deliveries_checked = deliveries_checked + read.count,
    position = CASE WHEN read.count < :batch THEN NULL ELSE read.last END,
    phase = CASE WHEN read.count < :batch THEN 'events' ELSE phase END
FROM (
    SELECT pg_catalog.count(*) AS count, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last FROM page
) AS read
