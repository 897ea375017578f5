-- Reads `given`. Inserts them.
INSERT INTO mailglass_event_details (event_id, tenant_id, recipient, data)
SELECT event_id, tenant_id, recipient, data
FROM given
