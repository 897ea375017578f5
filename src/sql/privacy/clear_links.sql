-- Reads `found`. Replaces the recipients, and returns the events. NULL would match any recipient of the message, and so link
-- the event to somebody else's delivery.
-- A link that was completed meanwhile has no recipient any more.
UPDATE mailglass_event_links AS link
SET recipient = found.pseudonym
FROM (SELECT * FROM found LIMIT (SELECT NULL::bigint)) AS found
WHERE link.event_id = found.event_id
  AND link.linked_at IS NULL
RETURNING link.event_id
