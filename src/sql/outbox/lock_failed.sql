-- Reads `failed`. Makes `locked`: locks the delivery before its row of the outbox, in the order of sent.sql.
locked AS (
    SELECT failed.*
    FROM failed
    CROSS JOIN LATERAL (
        SELECT id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = failed.delivery_id
          AND (delivery.tenant_id = failed.tenant_id) IS TRUE
        FOR NO KEY UPDATE
    ) AS delivery
)
