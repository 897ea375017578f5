-- input -> resolved, inserted, pending: appends what is new, and lets what has no delivery yet wait.
input AS (
    SELECT *
    FROM unnest((SELECT :columns)) WITH ORDINALITY AS input (
        id, tenant_id, named_delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload,
        metadata, trace_id, provider, provider_message_id, recipient, malformed, position
    )
),
wanted AS (
    SELECT id AS event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient
    FROM input
),
:resolve,
inserted AS (
    INSERT INTO mailglass_events (
        id, tenant_id, delivery_id, type, occurred_at, idempotency_key, reject_reason, normalized_payload, metadata,
        trace_id, needs_reconciliation
    )
    SELECT
        input.id,
        input.tenant_id,
        coalesce(input.named_delivery_id, CASE WHEN resolved.fitting = 1 THEN resolved.delivery_id END),
        input.type,
        input.occurred_at,
        input.idempotency_key,
        input.reject_reason,
        input.normalized_payload,
        input.metadata,
        input.trace_id,
        resolved.fitting <> 1
            AND (
                input.named_delivery_id IS NOT NULL
                OR input.provider_message_id IS NOT NULL
                OR input.malformed
            )
    FROM input
    JOIN resolved ON resolved.event_id = input.id
    -- A key that another transaction is appending is waited for. All wait in the order of the keys, so none deadlock;
    -- and of twins in one batch the first one lands.
    ORDER BY input.idempotency_key, input.position
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING *
),
pending AS (
    INSERT INTO mailglass_event_links (
        event_id, tenant_id, named_delivery_id, provider, provider_message_id, recipient, waiting_reason
    )
    SELECT
        input.id,
        input.tenant_id,
        input.named_delivery_id,
        input.provider,
        input.provider_message_id,
        input.recipient,
        CASE
            WHEN input.named_delivery_id IS NULL AND input.malformed THEN 'malformed'
            WHEN resolved.fitting > 1 THEN 'ambiguous'
            ELSE 'no_delivery'
        END
    FROM inserted
    JOIN input ON input.id = inserted.id
    JOIN resolved ON resolved.event_id = inserted.id
    WHERE inserted.needs_reconciliation
)
