-- Reads `outcomes`. Makes `updated`: writes each outcome to its link.
updated AS (
    UPDATE mailglass_event_links AS link
    SET
        delivery_id = outcomes.delivery_id,
        waiting_reason = outcomes.waiting_reason,
        checked_at = outcomes.checked_at,
        linked_at = outcomes.linked_at,
        expired_at = outcomes.expired_at
    FROM outcomes
    WHERE link.event_id = outcomes.event_id
)
