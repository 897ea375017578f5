-- wanted (tenant_id, named_delivery_id, provider, provider_message_id, recipient, …) -> resolved: the same rows, each with
-- the delivery that it is about, if there is just one. It never looks outside the row's tenant.
-- OFFSET 0 keeps the planner from going by the tenant: see projection/timeline.sql.
resolved AS (
    SELECT
        matched.*,
        coalesce(named_id, CASE WHEN cardinality(candidates) = 1 THEN candidates[1] END) AS found_delivery_id,
        coalesce(cardinality(candidates) > 1, false) AS ambiguous
    FROM (
        SELECT
            wanted.*,
            CASE WHEN named.tenant_id = wanted.tenant_id THEN named.id END AS named_id,
            CASE
                WHEN wanted.named_delivery_id IS NULL AND wanted.provider_message_id IS NOT NULL THEN ARRAY(
                    -- Two are as good as many.
                    SELECT delivery.id
                    FROM mailglass_deliveries AS delivery
                    WHERE delivery.provider = wanted.provider
                      AND delivery.provider_message_id = wanted.provider_message_id
                      AND delivery.tenant_id = wanted.tenant_id
                      AND (wanted.recipient IS NULL OR lower(delivery.recipient) = lower(wanted.recipient))
                    LIMIT 2
                )
            END AS candidates
        FROM wanted
        LEFT JOIN LATERAL (
            SELECT id, tenant_id FROM mailglass_deliveries WHERE id = wanted.named_delivery_id OFFSET 0
        ) AS named ON true
        OFFSET 0
    ) AS matched
)
