-- wanted (tenant_id, named_delivery_id, provider, provider_message_id, recipient, …) -> resolved: the same rows, each with
-- the delivery that it is about and how many fit. Only a single fit counts. It never looks outside the row's tenant.
-- OFFSET 0 keeps the planner from going by the tenant: see projection/timeline.sql.
resolved AS (
    SELECT wanted.*, found.delivery_id AS found_delivery_id, found.fitting
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT (array_agg(candidate.id))[1] AS delivery_id, count(*) AS fitting
        FROM (
            SELECT delivery.id
            FROM (SELECT * FROM mailglass_deliveries AS named WHERE named.id = wanted.named_delivery_id OFFSET 0) AS delivery
            WHERE delivery.tenant_id = wanted.tenant_id
            UNION ALL
            (
                -- Two are as good as many.
                SELECT delivery.id
                FROM mailglass_deliveries AS delivery
                WHERE wanted.named_delivery_id IS NULL
                  AND delivery.provider = wanted.provider
                  AND delivery.provider_message_id = wanted.provider_message_id
                  AND delivery.tenant_id = wanted.tenant_id
                  AND (wanted.recipient IS NULL OR lower(delivery.recipient) = lower(wanted.recipient))
                LIMIT 2
            )
        ) AS candidate
    ) AS found
)
