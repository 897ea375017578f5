-- Reads `subject` and `timeline`. Returns the bounces in the window, each with its delivery.
SELECT
    subject.row_id,
    subject.delivery_id,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'permanent') AS permanent,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'smtp_code') AS smtp_code,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'enhanced_status') AS enhanced_status,
    pg_catalog.now() AS now
FROM timeline AS event
JOIN (SELECT * FROM subject LIMIT (SELECT NULL::bigint)) AS subject ON subject.delivery_id = event.timeline_of
WHERE event.type::text IN ('bounced', 'rejected')
  AND event.occurred_at > pg_catalog.now() - pg_catalog.make_interval(secs => subject.window_seconds)
