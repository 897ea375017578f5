-- subject (tenant_id, delivery_id) -> timeline: a delivery's own events, and those that were linked to it later. An event
-- that named the delivery by id before it was there is both, and counts once. Never another tenant's.
timeline AS (
    SELECT subject.delivery_id AS timeline_of, event.*
    FROM subject
    JOIN mailglass_events AS event
        ON event.delivery_id = subject.delivery_id
        AND event.tenant_id = subject.tenant_id
    UNION ALL
    SELECT subject.delivery_id AS timeline_of, event.*
    FROM subject
    JOIN mailglass_event_links AS link
        ON link.delivery_id = subject.delivery_id
        AND link.tenant_id = subject.tenant_id
    JOIN mailglass_events AS event
        ON event.id = link.event_id
        AND event.delivery_id IS DISTINCT FROM link.delivery_id
)
