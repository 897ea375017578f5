-- Makes `page`: the next deliveries by id.
page AS (
    SELECT id, tenant_id
    FROM mailglass_deliveries
    WHERE :position IS NULL OR id > :position
    ORDER BY id
    LIMIT :batch
)
