-- wanted (tenant_id, named_delivery_id, provider, provider_message_id, recipient, …) -> resolved: the same rows, each with
-- the delivery that it is about, if there is exactly one. It never looks outside the row's tenant.
-- `(…) IS TRUE` keeps a comparison out of the index conditions, and with it the planner to the index that the other
-- conditions name. Otherwise it may go by the tenant or by the message, and read all rows of either: see
-- projection/timeline.sql.
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
            -- Two candidates are enough to know that it is ambiguous.
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
                    -- The exact recipient wins over one in other letters.
                    (
                        SELECT ARRAY[delivery.id]
                        FROM mailglass_deliveries AS delivery
                        WHERE delivery.provider = wanted.provider
                          AND delivery.provider_message_id = wanted.provider_message_id
                          AND delivery.recipient = wanted.recipient
                          AND (delivery.tenant_id = wanted.tenant_id) IS TRUE
                    ),
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
),
-- :lock is FOR NO KEY UPDATE where the event is projected: the delivery can't be deleted, or given to another message,
-- between finding it and projecting it. The rows are locked in the order of their ids, before any key is waited for, so
-- that no two batches wait for each other. A row that changed while this waited is looked at again.
resolved AS (
    SELECT
        matched.*,
        delivery.id AS found_delivery_id
    FROM (SELECT * FROM matched ORDER BY candidate_id) AS matched
    LEFT JOIN LATERAL (
        SELECT delivery.id
        FROM mailglass_deliveries AS delivery
        WHERE delivery.id = matched.candidate_id
          AND (delivery.tenant_id = matched.tenant_id) IS TRUE
          AND (
              matched.named_delivery_id IS NOT NULL
              OR (
                  delivery.provider = matched.provider
                  AND delivery.provider_message_id = matched.provider_message_id
              )
          )
        :lock
    ) AS delivery ON true
)
