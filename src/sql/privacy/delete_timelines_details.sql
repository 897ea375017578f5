-- Reads `timeline`. Deletes the details of its events.
DELETE FROM mailglass_event_details AS details
USING (SELECT id FROM timeline LIMIT (SELECT NULL::bigint)) AS event
WHERE details.event_id = event.id
RETURNING details.event_id
