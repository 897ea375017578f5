-- The append-only ledger. The next migration adds its guard.

CREATE TABLE mailglass_events (
    id                   uuid                 NOT NULL,
    tenant_id            text                 NOT NULL,
    -- No foreign key: a webhook may arrive before its delivery, and events are kept when their delivery is deleted.
    delivery_id          uuid,
    type                 mailglass_event_type NOT NULL,
    occurred_at          timestamptz          NOT NULL,
    idempotency_key      text,
    reject_reason        mailglass_reject_reason,
    normalized_payload   jsonb                NOT NULL DEFAULT '{}',
    metadata             jsonb                NOT NULL DEFAULT '{}',
    trace_id             text,
    needs_reconciliation boolean              NOT NULL DEFAULT false,
    inserted_at          timestamptz          NOT NULL DEFAULT now(),
    CONSTRAINT mailglass_events_pkey
        PRIMARY KEY (id),
    CONSTRAINT mailglass_events_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_events_idempotency_key_is_1_to_512_bytes
        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 512),
    -- An event at infinity, or in a year that chrono can't represent, would fail every projection of its delivery.
    CONSTRAINT mailglass_events_occurred_at_is_in_years_1_to_9999
        CHECK (extract(epoch FROM occurred_at) >= -62135596800 AND extract(epoch FROM occurred_at) < 253402300800),
    CONSTRAINT mailglass_events_normalized_payload_is_object
        CHECK (jsonb_typeof(normalized_payload) = 'object'),
    CONSTRAINT mailglass_events_metadata_is_object
        CHECK (jsonb_typeof(metadata) = 'object')
);

-- Makes appends idempotent.
CREATE UNIQUE INDEX mailglass_events_idempotency_key_idx
    ON mailglass_events (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- The events of a delivery, for timelines and rebuilds.
CREATE INDEX mailglass_events_delivery_idx
    ON mailglass_events (delivery_id, occurred_at)
    WHERE delivery_id IS NOT NULL;

CREATE INDEX mailglass_events_tenant_recent_idx
    ON mailglass_events (tenant_id, inserted_at DESC);

-- Events that arrived before their delivery, for your own queries. The reconciler uses mailglass_event_links instead, because
-- an event never changes and so never leaves this index.
CREATE INDEX mailglass_events_needs_reconcile_idx
    ON mailglass_events (tenant_id, inserted_at)
    WHERE needs_reconciliation;

COMMENT ON TABLE mailglass_events IS
    'Append-only ledger: one row per event. Triggers reject every change with SQLSTATE 45A01.';
COMMENT ON COLUMN mailglass_events.id IS
    'A UUIDv7 that the client generates when it appends.';
COMMENT ON COLUMN mailglass_events.tenant_id IS
    'The tenant that owns the event.';
COMMENT ON COLUMN mailglass_events.delivery_id IS
    'Logical reference to mailglass_deliveries.id, without a foreign key. NULL for an orphan that names a provider message (see mailglass_event_links) and for an event without a delivery.';
COMMENT ON COLUMN mailglass_events.type IS
    'What happened.';
COMMENT ON COLUMN mailglass_events.occurred_at IS
    'When it happened, by the clock of the system that reports it.';
COMMENT ON COLUMN mailglass_events.idempotency_key IS
    'Makes appends idempotent: appending the same key again returns the existing event. Unique across all tenants.';
COMMENT ON COLUMN mailglass_events.reject_reason IS
    'Why it was rejected or bounced, if the provider reports it.';
COMMENT ON COLUMN mailglass_events.normalized_payload IS
    'The provider''s report as a JSON object, normalized by the application. May contain personal data.';
COMMENT ON COLUMN mailglass_events.metadata IS
    'The application''s JSON object. The keys provider, provider_message_id and recipient identify the delivery.';
COMMENT ON COLUMN mailglass_events.trace_id IS
    'Correlates the event with the request or job that recorded it. Replays do not compare it.';
COMMENT ON COLUMN mailglass_events.needs_reconciliation IS
    'Whether the event had to wait for its delivery when it was appended. Never cleared; mailglass_event_links has whether it is linked.';
COMMENT ON COLUMN mailglass_events.inserted_at IS
    'When the event was appended, by the server''s clock.';
