-- Reads `input` and `folded`. Makes `inserted`: inserts the deliveries that meet no conflict.
inserted AS (
    INSERT INTO mailglass_deliveries (
        :given_deliveries,
        :projection
    )
    SELECT
        :given_deliveries(input),
        :projection(folded)
    FROM input
    JOIN folded ON folded.id = input.id
    -- All batches insert in the same order, so that batches that wait for each other's rows never deadlock. Of several rows
    -- of the batch with one key, the first is inserted.
    ORDER BY
        input.idempotency_key,
        CASE WHEN input.idempotency_key IS NOT NULL THEN input.event_id END,
        input.provider,
        input.provider_message_id,
        input.recipient,
        input.id
    -- Without a target it covers every unique index: a replay that races with its first insert may conflict on the primary
    -- key or the provider message before it conflicts on the idempotency key. delivery_conflicts.sql finds out which.
    :on_conflict
    RETURNING *
)
