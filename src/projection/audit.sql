-- folded -> the deliveries whose row says something else than their ledger: id, what is, what should be (NULL where this
-- tenant's ledger has no fact of it), and whether another tenant's ledger has facts of it.
-- A delivery without any fact is not reported: only somebody else's INSERT can have made it. A row that this build can't
-- read is left to the newer release that wrote it.
SELECT
    delivery.id,
    delivery.last_event_type, delivery.last_event_at, delivery.terminal, delivery.dispatched_at, delivery.delivered_at,
    delivery.bounced_at, delivery.complained_at, delivery.suppressed_at, delivery.status,
    folded.last_event_type, folded.last_event_at, folded.terminal, folded.dispatched_at, folded.delivered_at,
    folded.bounced_at, folded.complained_at, folded.suppressed_at, folded.status,
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
              delivery.last_event_type::text, delivery.last_event_at, delivery.terminal, delivery.dispatched_at,
              delivery.delivered_at, delivery.bounced_at, delivery.complained_at, delivery.suppressed_at,
              delivery.status::text
          ) IS DISTINCT FROM (
              folded.last_event_type::text, folded.last_event_at, folded.terminal, folded.dispatched_at,
              folded.delivered_at, folded.bounced_at, folded.complained_at, folded.suppressed_at,
              folded.status::text
          )
      )
  )
ORDER BY delivery.id
