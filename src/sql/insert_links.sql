-- Reads `waiting`. Makes `pending`: writes a link for each event that waits for its delivery.
pending AS (
    INSERT INTO mailglass_event_links AS link (
        event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient, waiting_reason
    )
    SELECT
        id,
        tenant_id,
        named_delivery_id,
        provider,
        provider_message_id,
        recipient,
        CASE
            WHEN named_delivery_id IS NULL AND malformed THEN 'malformed'
            WHEN ambiguous THEN 'ambiguous'
            ELSE 'no_delivery'
        END
    FROM waiting
    -- The trigger has inserted an unread link if an earlier statement appended the event, and always on Citus, which runs the
    -- CTEs one after the other.
    ON CONFLICT (event_id) DO UPDATE
    SET
        provider = excluded.provider,
        provider_message_id = excluded.provider_message_id,
        recipient = excluded.recipient,
        waiting_reason = excluded.waiting_reason
    WHERE link.waiting_reason = 'unread'
    RETURNING link.event_id
)
