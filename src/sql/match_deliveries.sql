-- Reads `wanted`. Makes `matched`: the same rows, each with the delivery that it names, or the one that fits the provider
-- message that it names. It never looks outside the tenant of the row.
-- `(…) IS TRUE` keeps a comparison out of the index conditions, so that the planner uses the index that the other
-- conditions name. Otherwise it may use the index by tenant or by message, and read all rows of either: see timeline.sql.
matched AS (
    SELECT
        wanted.*,
        coalesce(
            named_delivery_id,
            CASE WHEN pg_catalog.cardinality(candidates) = 1 THEN candidates[1] END
        ) AS candidate_id,
        coalesce(pg_catalog.cardinality(candidates) > 1, false) AS ambiguous
    FROM (
        SELECT
            wanted.*,
            -- Two matches are enough to know that it is ambiguous.
            CASE
                WHEN named_delivery_id IS NOT NULL OR provider_message_id IS NULL THEN NULL
                WHEN recipient IS NULL THEN ARRAY(
                    SELECT delivery.id
                    FROM mailglass_deliveries AS delivery
                    WHERE delivery.provider = wanted.provider
                      AND delivery.provider_message_id = wanted.provider_message_id
                      AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                    LIMIT 2
                )
                ELSE coalesce(
                    -- The exact recipient takes precedence over one that differs in case.
                    (
                        SELECT ARRAY[delivery.id]
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.provider = wanted.provider
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND delivery.recipient = wanted.recipient
                          AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                    ),
                    -- In a scope, by the message: below a policy, `lower` can't be an index condition, and a whole tenant would be
                    -- read. A message has few deliveries. Outside of a scope, by the recipient: it reads one row.
                    CASE WHEN pg_catalog.current_setting('mailglass.tenant_id', true) <> '' THEN ARRAY(
                        SELECT delivery.id
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.provider = wanted.provider
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                          AND (
                              pg_catalog.lower(delivery.recipient COLLATE "C") = pg_catalog.lower(wanted.recipient COLLATE "C")
                          ) IS TRUE
                        LIMIT 2
                    ) END,
                    ARRAY(
                        SELECT delivery.id
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.tenant_id = wanted.tenant_id
                          AND pg_catalog.lower(delivery.recipient COLLATE "C")
                              = pg_catalog.lower(wanted.recipient COLLATE "C")
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND (delivery.provider = wanted.provider) IS TRUE
                        LIMIT 2
                    )
                )
            END AS candidates
        FROM wanted
        OFFSET 0
    ) AS wanted
)
