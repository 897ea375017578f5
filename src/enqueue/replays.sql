-- What keeps each skipped delivery out: the row that holds its key, with what the replay says otherwise, or else what holds
-- its id or its provider message. A statement of its own, because the insert's snapshot can't show a delivery that another
-- transaction committed while the insert waited for it.
-- What may have changed since (provider, message id, metadata, the projection) is not compared.
-- The tenant is compared here, so another tenant's delivery never leaves the server. OFFSET 0: see projection/timeline.sql.
SELECT
    replay.event_id AS replayed_as,
    holder.id IS NOT NULL AS key_is_taken,
    EXISTS (SELECT FROM mailglass_deliveries AS other WHERE other.id = replay.id OFFSET 0) AS id_is_taken,
    EXISTS (
        SELECT
        FROM mailglass_deliveries AS other
        WHERE other.provider = replay.provider
          AND other.provider_message_id = replay.provider_message_id
          AND other.recipient = replay.recipient
        OFFSET 0
    ) AS provider_message_is_taken,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN delivery.mailable <> replay.mailable THEN 'mailable' END,
        CASE WHEN delivery.stream::text <> replay.stream::text THEN 'stream' END,
        CASE WHEN delivery.recipient <> replay.recipient THEN 'recipient' END
    ], NULL) AS differing,
    delivery.id, delivery.tenant_id, delivery.mailable, delivery.stream, delivery.recipient, delivery.recipient_domain,
    delivery.provider, delivery.provider_message_id, delivery.last_event_type, delivery.last_event_at,
    delivery.terminal, delivery.dispatched_at, delivery.delivered_at, delivery.bounced_at, delivery.complained_at,
    delivery.suppressed_at, delivery.metadata, delivery.lock_version, delivery.idempotency_key, delivery.status,
    delivery.last_error, delivery.inserted_at, delivery.updated_at
FROM (:input) AS replay
LEFT JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS first WHERE first.idempotency_key = replay.idempotency_key OFFSET 0
) AS holder ON true
LEFT JOIN LATERAL (
    SELECT holder.* WHERE holder.tenant_id = replay.tenant_id
) AS delivery ON true
