-- Reads `tenant`. Makes `subject`: all deliveries of the tenant.
subject AS (
    SELECT tenant_id, id AS delivery_id
    FROM mailglass_deliveries
    WHERE tenant_id = (SELECT tenant_id FROM tenant)
)
