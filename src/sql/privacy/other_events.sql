-- Reads `person` and `found`. Returns the events that name the person and have no delivery, each with its details.
SELECT
    :events(event),
    details.data
FROM (
    SELECT event_id
    FROM found
    UNION
    SELECT details.event_id
    FROM person
    JOIN mailglass_event_details AS details
        ON details.tenant_id = person.tenant_id
       AND pg_catalog.lower(details.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
) AS named
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_events AS event WHERE event.id = named.event_id OFFSET 0
) AS event
LEFT JOIN LATERAL (
    SELECT data FROM mailglass_event_details AS details WHERE details.event_id = event.id OFFSET 0
) AS details ON true
ORDER BY event.occurred_at, event.id
