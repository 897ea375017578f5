-- Moves the cut behind the page; the last page begins the next phase.
UPDATE mailglass_cut
SET
    events_checked = events_checked + read.count,
    events_kept = events_kept + read.kept,
    position = CASE WHEN read.count < :batch THEN NULL ELSE read.last END,
    phase = CASE WHEN read.count < :batch THEN 'indexes' ELSE phase END
FROM (
    SELECT
        pg_catalog.count(*) AS count,
        pg_catalog.count(*) FILTER (WHERE NOT leaves) AS kept,
        (SELECT id FROM judged ORDER BY id DESC LIMIT 1) AS last
    FROM judged
) AS read
