-- Reads `named`. Makes `unread`: the links that no sweep has read yet. Two sweeps may adopt the same events, so each locks
-- the rows in the order of their ids.
unread AS (
    SELECT event_id
    FROM mailglass_event_links
    WHERE event_id IN (SELECT event_id FROM named)
      AND waiting_reason = 'unread'
    ORDER BY event_id
    FOR UPDATE
)
