-- Writes down what the events name. $1 events, $2 providers, $3 provider message ids, $4 recipients, $5 reasons.
-- The rows are locked in one order, for two sweeps may adopt the same events.
WITH named AS (
    SELECT
        pg_catalog.unnest($1) AS event_id,
        pg_catalog.unnest($2) AS provider,
        pg_catalog.unnest($3) AS provider_message_id,
        pg_catalog.unnest($4) AS recipient,
        pg_catalog.unnest($5) AS waiting_reason
),
unread AS (
    SELECT event_id
    FROM mailglass_event_links
    WHERE event_id IN (SELECT event_id FROM named)
      AND waiting_reason = 'unread'
    ORDER BY event_id
    FOR UPDATE
)
UPDATE mailglass_event_links AS link
SET
    provider = named.provider,
    provider_message_id = named.provider_message_id,
    recipient = named.recipient,
    waiting_reason = named.waiting_reason
FROM named
JOIN unread ON unread.event_id = named.event_id
WHERE link.event_id = named.event_id
