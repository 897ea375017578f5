-- Reads `wanted` and `few`. Makes `leased`: leases rows, or holds them.
-- A held row is compared with its delivery again after ten seconds.
leased AS (
    UPDATE mailglass_outbox AS entry
    SET
        available_at = CASE
            WHEN examined.outcome = 'leased' THEN examined.leased_until
            ELSE examined.examined_at + interval '10 seconds'
        END,
        lease_id = CASE WHEN examined.outcome = 'leased' THEN wanted.lease_id END,
        worker = CASE WHEN examined.outcome = 'leased' THEN wanted.worker END,
        held_at = CASE
            WHEN examined.outcome = 'leased' THEN NULL
            ELSE coalesce(examined.held_at, examined.examined_at)
        END,
        last_attempt = CASE WHEN examined.last_attempt = 'begun' THEN 'unknown' ELSE examined.last_attempt END
    FROM few AS examined
    CROSS JOIN wanted
    WHERE entry.delivery_id = examined.delivery_id
      AND examined.outcome <> 'over'
    RETURNING entry.delivery_id
)
