-- Reads `person`. Deletes the details of events that name only the recipient.
DELETE FROM mailglass_event_details AS details
USING person
WHERE details.tenant_id = person.tenant_id
  AND pg_catalog.lower(details.recipient COLLATE "C") = pg_catalog.lower(person.recipient COLLATE "C")
RETURNING details.event_id
