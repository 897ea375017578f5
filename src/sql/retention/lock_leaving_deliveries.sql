-- Locks the deliveries that leave, in the order in which `record` locks. It waits for calls that record an event of one.
SELECT pg_catalog.count(*) AS count
FROM (
    SELECT delivery.id
    FROM mailglass_deliveries AS delivery
    WHERE delivery.id IN (SELECT delivery_id FROM mailglass_cut_deliveries)
    ORDER BY delivery.id
    FOR UPDATE
) AS locked
