-- Reads `inserted` and `resolved`. Makes `pending`: inserts a link for each event that waits for its delivery.
-- Citus executes the CTEs one after the other, so there the trigger of the ledger has inserted an unread link already.
pending AS (
    INSERT INTO mailglass_event_links (
        event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient, waiting_reason
    )
    SELECT
        resolved.id,
        resolved.tenant_id,
        resolved.named_delivery_id,
        resolved.provider,
        resolved.provider_message_id,
        resolved.recipient,
        CASE
            WHEN resolved.named_delivery_id IS NULL AND resolved.malformed THEN 'malformed'
            WHEN resolved.ambiguous THEN 'ambiguous'
            ELSE 'no_delivery'
        END
    FROM inserted
    JOIN resolved ON resolved.id = inserted.id
    WHERE inserted.needs_reconciliation
    ON CONFLICT (event_id) DO UPDATE
    SET
        named_delivery_id = EXCLUDED.named_delivery_id,
        provider = EXCLUDED.provider,
        provider_message_id = EXCLUDED.provider_message_id,
        recipient = EXCLUDED.recipient,
        waiting_reason = EXCLUDED.waiting_reason
)
