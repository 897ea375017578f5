-- Returns the deliveries, and whether each lease was held until now. A replay after a lost connection has no row in the outbox.
SELECT
    :deliveries(found),
    locked.is_replay OR coalesce(ended.lease_id = locked.lease_id, false) AS in_time
FROM locked
LEFT JOIN ended ON ended.delivery_id = locked.delivery_id
LEFT JOIN written ON written.id = locked.delivery_id
CROSS JOIN LATERAL (
    SELECT written.* FROM (SELECT) AS one WHERE written.id IS NOT NULL
    UNION ALL
    SELECT (locked.found).* FROM (SELECT) AS one WHERE written.id IS NULL
) AS found
