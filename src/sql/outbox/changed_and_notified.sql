-- Returns the changed rows, and wakes the workers that wait, when the transaction commits.
SELECT delivery_id
FROM changed
WHERE (
    SELECT pg_catalog.count(*)
    FROM (SELECT pg_catalog.pg_notify('mailglass_outbox', '') FROM changed LIMIT 1) AS notified
) IS NOT NULL
