-- Deletes the details of events that left, a batch at a time.
WITH done AS (
    DELETE FROM mailglass_cut_events
    WHERE event_id = ANY (ARRAY(SELECT event_id FROM mailglass_cut_events LIMIT :batch))
    RETURNING event_id
),
deleted AS (
    DELETE FROM mailglass_event_details AS details
    USING done
    WHERE details.event_id = done.event_id
    RETURNING details.event_id
)
UPDATE mailglass_cut
SET
    details_left = details_left + (SELECT pg_catalog.count(*) FROM deleted),
    phase = CASE WHEN (SELECT pg_catalog.count(*) FROM done) < :batch THEN 'finish' ELSE phase END
