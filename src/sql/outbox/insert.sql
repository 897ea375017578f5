-- Reads `input` and `inserted`. Makes `queued`: puts new deliveries into the outbox.
queued AS (
    INSERT INTO mailglass_outbox (delivery_id, tenant_id, stream, recipient_domain, available_at)
    SELECT
        input.id,
        input.tenant_id,
        input.stream,
        input.recipient_domain,
        coalesce(input.send_at, pg_catalog.now())
    FROM input
    JOIN inserted ON inserted.id = input.id
    WHERE input.is_sent
    -- A delivery with this id was deleted while it waited.
    ON CONFLICT (delivery_id) DO UPDATE
    SET
        tenant_id = excluded.tenant_id,
        stream = excluded.stream,
        recipient_domain = excluded.recipient_domain,
        available_at = excluded.available_at,
        attempts = 0,
        last_attempt = 'none',
        lease_id = NULL,
        worker = NULL,
        held_at = NULL
    RETURNING delivery_id
)
