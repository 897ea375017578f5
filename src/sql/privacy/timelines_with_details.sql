-- Reads `timeline`. Returns its events, each with its delivery and its details.
SELECT
    event.timeline_of,
    :events(event),
    details.data
FROM timeline AS event
LEFT JOIN LATERAL (
    SELECT data FROM mailglass_event_details AS details WHERE details.event_id = event.id OFFSET 0
) AS details ON true
