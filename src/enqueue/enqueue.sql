-- Deliveries and their first events, in one step. The projection columns come from the fold like everybody's.
WITH input AS (
    -- Twins that share the id that the application gave them: the first one counts. Event ids are made in the batch's order.
    SELECT DISTINCT ON (id) *
    FROM (:input) AS batch
    ORDER BY id, event_id
),
facts AS (
    SELECT id AS delivery_id, event_type AS type, occurred_at
    FROM input
),
:fold,
inserted AS (
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, metadata,
        idempotency_key, last_event_type, last_event_at, terminal, dispatched_at, delivered_at, bounced_at,
        complained_at, suppressed_at, status
    )
    SELECT
        input.id, input.tenant_id, input.mailable, input.stream, input.recipient, input.recipient_domain,
        input.provider, input.provider_message_id, input.metadata, input.idempotency_key,
        folded.last_event_type, folded.last_event_at, folded.terminal, folded.dispatched_at, folded.delivered_at,
        folded.bounced_at, folded.complained_at, folded.suppressed_at, folded.status
    FROM input
    JOIN folded ON folded.id = input.id
    -- The same order everywhere, so that batches which wait for each other's rows never deadlock; and of twins in one
    -- batch the first one is inserted.
    ORDER BY
        input.idempotency_key,
        CASE WHEN input.idempotency_key IS NOT NULL THEN input.event_id END,
        input.provider,
        input.provider_message_id,
        input.recipient,
        input.id
    -- Without a target, so that it covers every unique index: a replay that races with its first insert may meet the
    -- primary key or the provider message before the idempotency key. Which of them it was is asked afterwards.
    ON CONFLICT DO NOTHING
    RETURNING *
),
first_events AS (
    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
    SELECT input.event_id, input.tenant_id, input.id, input.event_type, input.occurred_at
    FROM input
    JOIN inserted ON inserted.id = input.id
)
SELECT
    id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, last_event_type,
    last_event_at, terminal, dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at, metadata,
    lock_version, idempotency_key, status, last_error, inserted_at, updated_at
FROM inserted
