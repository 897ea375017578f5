-- Reads `skipped`. Returns what each skipped delivery conflicts with: the row that holds its idempotency key, with the fields
-- in which the skipped row differs, or else whether its id or its provider message is taken.
-- It is a separate statement, because the snapshot of the insert does not show a delivery that another transaction committed
-- while the insert waited for it.
-- Columns that may have changed since then (provider, message id, metadata, the projection) are not compared.
-- The tenant is compared here, so that another tenant's delivery never leaves the server. OFFSET 0: see timeline.sql.
SELECT
    skipped.event_id AS row_id,
    holder.id IS NOT NULL AS key_is_taken,
    EXISTS (
        SELECT FROM mailglass_deliveries AS other WHERE other.id = skipped.id OFFSET 0
    ) AS id_is_taken,
    EXISTS (
        SELECT
        FROM mailglass_deliveries AS other
        WHERE other.provider = skipped.provider
          AND other.provider_message_id = skipped.provider_message_id
          AND other.recipient = skipped.recipient
        OFFSET 0
    ) AS provider_message_is_taken,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN delivery.mailable <> skipped.mailable THEN 'mailable' END,
        CASE WHEN delivery.stream::text <> skipped.stream::text THEN 'stream' END,
        CASE WHEN delivery.recipient <> skipped.recipient THEN 'recipient' END
    ], NULL) AS differing,
    :deliveries(delivery)
FROM skipped
LEFT JOIN LATERAL (
    SELECT * FROM mailglass_deliveries AS first WHERE first.idempotency_key = skipped.idempotency_key OFFSET 0
) AS holder ON true
LEFT JOIN LATERAL (
    SELECT holder.* WHERE holder.tenant_id = skipped.tenant_id
) AS delivery ON true
