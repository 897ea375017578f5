-- Reads `outcomes`. Makes `updated`: writes each outcome to its link.
updated AS (
    UPDATE mailglass_event_links AS link
    SET
        delivery_id = outcomes.delivery_id,
        waiting_reason = outcomes.waiting_reason,
        checked_at = pg_catalog.clock_timestamp(),
        linked_at = CASE WHEN outcomes.delivery_id IS NOT NULL THEN pg_catalog.now() END,
        expired_at = CASE WHEN outcomes.expired THEN pg_catalog.now() END
    FROM outcomes
    WHERE link.event_id = outcomes.event_id
)
