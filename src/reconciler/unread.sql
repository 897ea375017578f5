-- The events that others appended and no sweep has read. $1 tenant or NULL, $2 limit.
SELECT event.id, event.delivery_id, event.normalized_payload, event.metadata
FROM mailglass_event_links AS link
JOIN mailglass_events AS event ON event.id = link.event_id
WHERE link.waiting_reason = 'unread'
  AND ($1 IS NULL OR link.tenant_id = $1)
LIMIT $2
