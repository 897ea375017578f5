-- folded -> next: what the deliveries that are there become, each joined with its own row.
-- The rows are locked in the order of their ids, whatever the order of the events, so that two batches never wait for
-- each other; a lock that had to wait reads the newest version of the row, so nothing that happened meanwhile is lost.
locked AS (
    SELECT delivery.*
    FROM mailglass_deliveries AS delivery
    JOIN folded ON folded.id = delivery.id
    ORDER BY delivery.id
    FOR NO KEY UPDATE OF delivery
),
next AS (
    SELECT
        locked.id,
        CASE
            WHEN (folded.last_event_at, array_position(:lifecycle, folded.last_event_type))
               > (locked.last_event_at, array_position(:lifecycle, locked.last_event_type))
            THEN folded.last_event_type
            ELSE locked.last_event_type
        END AS last_event_type,
        greatest(locked.last_event_at, folded.last_event_at) AS last_event_at,
        locked.terminal OR folded.terminal AS terminal,
        least(locked.dispatched_at, folded.dispatched_at) AS dispatched_at,
        least(locked.delivered_at, folded.delivered_at) AS delivered_at,
        least(locked.bounced_at, folded.bounced_at) AS bounced_at,
        least(locked.complained_at, folded.complained_at) AS complained_at,
        least(locked.suppressed_at, folded.suppressed_at) AS suppressed_at,
        (:status_order)[greatest(
            array_position(:status_order, locked.status),
            array_position(:status_order, folded.status)
        )] AS status
    FROM locked
    JOIN folded ON folded.id = locked.id
)
