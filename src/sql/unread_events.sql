-- Returns events that others appended and no sweep has read yet.
SELECT event.id, event.delivery_id, event.normalized_payload, event.metadata
FROM mailglass_event_links AS link
JOIN mailglass_events AS event ON event.id = link.event_id
WHERE link.waiting_reason = 'unread'
  AND (:tenant IS NULL OR link.tenant_id = :tenant)
LIMIT :limit
