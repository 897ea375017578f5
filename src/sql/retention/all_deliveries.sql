-- Makes `page`: all deliveries.
page AS (
    SELECT id, tenant_id
    FROM mailglass_deliveries
)
