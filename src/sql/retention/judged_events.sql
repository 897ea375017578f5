-- Reads `page` and `mailglass_cut_deliveries`, which is a table or a CTE. Makes `judged`: the same events, each with whether it leaves.
-- An event that is not older than :before stays: if it is a fact of a delivery, the delivery stays. An older one stays if it is a fact
-- of a delivery that stays, or if it waits for its delivery.
judged AS (
    SELECT
        page.*,
        (page.occurred_at < :before OR page.inserted_at < :before)
        AND NOT (
            NOT page.needs_reconciliation
            AND EXISTS (
                SELECT
                FROM mailglass_deliveries AS delivery
                WHERE delivery.id = page.delivery_id
                  AND (delivery.tenant_id = page.tenant_id) IS TRUE
                  AND NOT EXISTS (
                      SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = page.delivery_id OFFSET 0
                  )
                OFFSET 0
            )
        )
        AND NOT EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            WHERE link.event_id = page.id
              AND (
                  (link.linked_at IS NULL AND link.expired_at IS NULL)
                  OR EXISTS (
                      SELECT
                      FROM mailglass_deliveries AS delivery
                      WHERE delivery.id = link.delivery_id
                        AND (delivery.tenant_id = page.tenant_id) IS TRUE
                        AND (delivery.tenant_id = link.tenant_id) IS TRUE
                        AND NOT EXISTS (
                            SELECT FROM mailglass_cut_deliveries AS leaving WHERE leaving.delivery_id = delivery.id OFFSET 0
                        )
                      OFFSET 0
                  )
              )
            OFFSET 0
        ) AS leaves
    FROM page
)
