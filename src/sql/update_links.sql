-- Reads `outcomes`. Makes `updated`: writes each outcome to its link.
updated AS (
    UPDATE mailglass_event_links AS link
    SET
        delivery_id = outcomes.delivery_id,
        waiting_reason = outcomes.waiting_reason,
        -- The recipient is personal data, and the delivery has it. An expired event has no delivery, so its link keeps the
        -- recipient: without it, the event's details could not be found when the person is erased.
        recipient = CASE WHEN outcomes.delivery_id IS NULL THEN link.recipient END,
        checked_at = outcomes.checked_at,
        linked_at = outcomes.linked_at,
        expired_at = outcomes.expired_at
    FROM outcomes
    WHERE link.event_id = outcomes.event_id
)
