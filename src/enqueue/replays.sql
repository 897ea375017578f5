-- The deliveries that were there first, each with what the replay says otherwise. A statement of its own, because the
-- insert's snapshot can't show a delivery that another transaction committed while the insert waited for its key.
-- What may have changed since (provider, message id, metadata, the projection) is not compared.
-- The tenant is compared here, so another tenant's delivery never leaves the server. OFFSET 0: see projection/timeline.sql.
SELECT
    delivery.id, delivery.tenant_id, delivery.mailable, delivery.stream, delivery.recipient, delivery.recipient_domain,
    delivery.provider, delivery.provider_message_id, delivery.last_event_type, delivery.last_event_at,
    delivery.terminal, delivery.dispatched_at, delivery.delivered_at, delivery.bounced_at, delivery.complained_at,
    delivery.suppressed_at, delivery.metadata, delivery.lock_version, delivery.idempotency_key, delivery.status,
    delivery.last_error, delivery.inserted_at, delivery.updated_at,
    replay.event_id AS replayed_as,
    array_remove(ARRAY[
        CASE WHEN delivery.mailable <> replay.mailable THEN 'mailable' END,
        CASE WHEN delivery.stream <> replay.stream THEN 'stream' END,
        CASE WHEN delivery.recipient <> replay.recipient THEN 'recipient' END
    ], NULL) AS differing
FROM (:input) AS replay
CROSS JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS first WHERE first.idempotency_key = replay.idempotency_key OFFSET 0
) AS delivery
WHERE delivery.tenant_id = replay.tenant_id
