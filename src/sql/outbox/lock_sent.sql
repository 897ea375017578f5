-- Reads `sent`. Makes `locked`: the same rows with their deliveries, which are locked in the order of their ids, before their
-- rows of the outbox. `is_new` says whether the delivery learns its message, and `is_replay` whether it has this message already.
locked AS MATERIALIZED (
    SELECT
        sent.*,
        delivery.found,
        (delivery.found).provider_message_id IS NULL AS is_new,
        ((delivery.found).provider = sent.provider AND (delivery.found).provider_message_id = sent.provider_message_id)
            IS TRUE AS is_replay
    FROM (SELECT * FROM sent ORDER BY delivery_id) AS sent
    CROSS JOIN LATERAL (
        SELECT delivery AS found
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = sent.delivery_id
          AND (delivery.tenant_id = sent.tenant_id) IS TRUE
        FOR NO KEY UPDATE
    ) AS delivery
)
