-- Puts a pending event behind the others, and names the delivery that it is about. $1 event.
WITH wanted AS (
    UPDATE mailglass_event_links
    SET checked_at = pg_catalog.clock_timestamp()
    WHERE event_id = $1
      AND linked_at IS NULL
      AND expired_at IS NULL
    RETURNING *
),
:resolve
SELECT found_delivery_id AS delivery_id
FROM resolved
