-- Reads `subject` and `folded`. Returns the deliveries whose row differs from their ledger: the id, the row's columns, the
-- folded columns (NULL if this tenant's ledger has no fact of the delivery), and whether another tenant's ledger has facts.
-- A delivery without any fact is left out: only an INSERT that bypassed this crate can have made it. So is a row that this
-- build can't read, because a newer release wrote it.
SELECT
    delivery.id,
    :projection(delivery),
    :projection(folded),
    elsewhere.has_facts
FROM subject
JOIN mailglass_deliveries AS delivery ON delivery.id = subject.delivery_id
LEFT JOIN folded ON folded.id = delivery.id
CROSS JOIN LATERAL (
    SELECT
        EXISTS (
            SELECT
            FROM mailglass_events AS event
            WHERE event.delivery_id = delivery.id
              AND (event.tenant_id <> delivery.tenant_id) IS TRUE
              AND NOT event.needs_reconciliation
            OFFSET 0
        )
        OR EXISTS (
            SELECT
            FROM mailglass_event_links AS link
            WHERE link.delivery_id = delivery.id
              AND (link.tenant_id <> delivery.tenant_id) IS TRUE
            OFFSET 0
        ) AS has_facts
    OFFSET 0
) AS elsewhere
WHERE pg_catalog.array_position(:lifecycle, delivery.last_event_type::text) IS NOT NULL
  AND pg_catalog.array_position(:status_order, delivery.status::text) IS NOT NULL
  AND (
      elsewhere.has_facts
      OR (
          folded.id IS NOT NULL
          AND (
              :comparable(delivery)
          ) IS DISTINCT FROM (
              :comparable(folded)
          )
      )
  )
ORDER BY delivery.id
