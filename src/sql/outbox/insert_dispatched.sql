-- Reads `locked`. Makes `inserted`: appends a `dispatched` event for each message. A second message of a delivery is a fact, too;
-- the same message again is a replay.
inserted AS (
    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, metadata)
    SELECT
        event_id,
        tenant_id,
        delivery_id,
        'dispatched',
        occurred_at,
        pg_catalog.jsonb_build_object('provider', provider, 'provider_message_id', provider_message_id)
    FROM locked
    WHERE NOT is_replay
    RETURNING delivery_id, type, occurred_at
)
