-- wanted (event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient) -> resolved: the delivery
-- that each event is about, and how many fit. Only a single fit counts. It never looks outside the event's tenant.
resolved AS (
    SELECT wanted.event_id, found.delivery_id, found.fitting
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT (array_agg(candidate.id))[1] AS delivery_id, count(*) AS fitting
        FROM (
            SELECT delivery.id
            FROM mailglass_deliveries AS delivery
            WHERE delivery.id = wanted.named_delivery_id
              AND delivery.tenant_id = wanted.tenant_id
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
