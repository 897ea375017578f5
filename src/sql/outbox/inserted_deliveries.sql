-- Returns the new deliveries. If one was put into the outbox, wakes the workers that wait, when the transaction commits.
SELECT
    :deliveries
FROM inserted
WHERE (
    SELECT pg_catalog.count(*)
    FROM (SELECT pg_catalog.pg_notify('mailglass_outbox', '') FROM queued LIMIT 1) AS notified
) IS NOT NULL
