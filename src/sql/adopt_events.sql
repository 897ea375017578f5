-- Reads `named` and `unread`. Writes what the events name to their links.
UPDATE mailglass_event_links AS link
SET
    provider = named.provider,
    provider_message_id = named.provider_message_id,
    recipient = named.recipient,
    waiting_reason = named.waiting_reason
FROM named
JOIN unread ON unread.event_id = named.event_id
WHERE link.event_id = named.event_id
