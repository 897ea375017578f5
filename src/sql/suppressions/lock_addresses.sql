-- Reads `address` (tenant_id, recipient). Waits for transactions that record soft bounces of the same addresses: each would count
-- only its own, and none might reach the threshold. There are 64 locks, because a batch may have more addresses than the server has
-- memory for locks. All transactions take them in the same order.
SELECT pg_catalog.pg_advisory_xact_lock(1835100524, slot)
FROM (
    SELECT DISTINCT
        pg_catalog.hashtext(pg_catalog.concat(tenant_id, ':', recipient)) OPERATOR(pg_catalog.&) 63 AS slot
    FROM address
    ORDER BY slot
    OFFSET 0
) AS slots
