-- folded -> the deliveries whose row says something else than their ledger: id, what is, what should be. A delivery without
-- any event is in no fold; only somebody else's INSERT can have made it.
SELECT
    delivery.id,
    delivery.last_event_type, delivery.last_event_at, delivery.terminal, delivery.dispatched_at, delivery.delivered_at,
    delivery.bounced_at, delivery.complained_at, delivery.suppressed_at, delivery.status,
    folded.last_event_type, folded.last_event_at, folded.terminal, folded.dispatched_at, folded.delivered_at,
    folded.bounced_at, folded.complained_at, folded.suppressed_at, folded.status
FROM folded
JOIN mailglass_deliveries AS delivery ON delivery.id = folded.id
WHERE (
    delivery.last_event_type, delivery.last_event_at, delivery.terminal, delivery.dispatched_at, delivery.delivered_at,
    delivery.bounced_at, delivery.complained_at, delivery.suppressed_at, delivery.status
) IS DISTINCT FROM (
    folded.last_event_type, folded.last_event_at, folded.terminal, folded.dispatched_at, folded.delivered_at,
    folded.bounced_at, folded.complained_at, folded.suppressed_at, folded.status
)
ORDER BY delivery.id
