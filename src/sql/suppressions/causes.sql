-- Reads `candidate` (event_id, tenant_id, named_recipient). Returns the bounces, complaints and unsubscriptions, each with the
-- recipient that it names, and that of the delivery that it is a fact of. The link of an event has the recipient only until the
-- event is linked.
-- `(…) IS TRUE` and OFFSET 0: see match_deliveries.sql and timeline.sql.
SELECT
    event.id,
    event.tenant_id,
    event.type,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'permanent') AS permanent,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'smtp_code') AS smtp_code,
    pg_catalog.jsonb_extract_path(event.normalized_payload, 'enhanced_status') AS enhanced_status,
    coalesce(candidate.named_recipient, link.recipient) AS named_recipient,
    delivery.recipient,
    delivery.stream
FROM candidate
CROSS JOIN LATERAL (
    SELECT *
    FROM mailglass_events AS event
    WHERE event.id = candidate.event_id
    OFFSET 0
) AS event
LEFT JOIN LATERAL (
    SELECT * FROM mailglass_event_links AS link WHERE link.event_id = event.id OFFSET 0
) AS link ON true
LEFT JOIN LATERAL (
    SELECT *
    FROM mailglass_deliveries AS delivery
    WHERE delivery.id = CASE WHEN event.needs_reconciliation THEN link.delivery_id ELSE event.delivery_id END
      AND (delivery.tenant_id = event.tenant_id) IS TRUE
    OFFSET 0
) AS delivery ON true
WHERE (candidate.tenant_id IS NULL OR event.tenant_id = candidate.tenant_id)
  AND event.type::text IN ('bounced', 'rejected', 'complained', 'unsubscribed')
