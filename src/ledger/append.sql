-- wanted -> resolved, inserted, pending: appends what is new, and lets what has no delivery yet wait.
wanted AS (:input),
:resolve,
inserted AS (
    INSERT INTO mailglass_events (
        id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata,
        trace_id, needs_reconciliation
    )
    SELECT
        id,
        tenant_id,
        coalesce(named_delivery_id, found_delivery_id),
        type,
        occurred_at,
        idempotency_key,
        reject_reason,
        normalized_payload,
        metadata,
        trace_id,
        found_delivery_id IS NULL AND (named_delivery_id IS NOT NULL OR provider_message_id IS NOT NULL OR malformed)
    FROM resolved
    -- A key that another transaction is appending is waited for. All wait in the order of the keys, so none deadlock;
    -- and of twins in one batch the first one lands: ids are made in the batch's order.
    ORDER BY idempotency_key, id
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    -- The rest of the row is what the caller has sent.
    RETURNING id, delivery_id, type, occurred_at, needs_reconciliation, inserted_at
),
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
)
