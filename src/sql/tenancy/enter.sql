-- Reads `tenant`. Sets the tenant for the rest of the transaction, and returns the one before; NULL or empty means none.
-- The row of the subquery is computed first. The functions of one SELECT list have no promised order.
SELECT
    before.tenant_id AS before,
    pg_catalog.set_config('mailglass.tenant_id', before.next_id, true) AS after
FROM (
    SELECT pg_catalog.current_setting('mailglass.tenant_id', true) AS tenant_id, tenant.tenant_id AS next_id
    FROM tenant
    OFFSET 0
) AS before
