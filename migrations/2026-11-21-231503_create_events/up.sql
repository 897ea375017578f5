-- The append-only ledger. The next migration guards it.

CREATE TABLE mailglass_events (
    id                   uuid                 NOT NULL,
    tenant_id            text                 NOT NULL,
    -- No foreign key: a webhook may arrive before its delivery, and an event outlives the delivery it is about.
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
    -- Infinity, and years that chrono can't hold, would make every projection of the delivery fail.
    CONSTRAINT mailglass_events_occurred_at_is_in_years_1_to_9999
        CHECK (extract(epoch FROM occurred_at) >= -62135596800 AND extract(epoch FROM occurred_at) < 253402300800),
    CONSTRAINT mailglass_events_normalized_payload_is_object
        CHECK (jsonb_typeof(normalized_payload) = 'object'),
    CONSTRAINT mailglass_events_metadata_is_object
        CHECK (jsonb_typeof(metadata) = 'object')
);

-- Replays meet the first event here. The conflict target repeats the predicate exactly.
CREATE UNIQUE INDEX mailglass_events_idempotency_key_idx
    ON mailglass_events (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- A delivery's timeline, and what a rebuild reads.
CREATE INDEX mailglass_events_delivery_idx
    ON mailglass_events (delivery_id, occurred_at)
    WHERE delivery_id IS NOT NULL;

CREATE INDEX mailglass_events_tenant_recent_idx
    ON mailglass_events (tenant_id, inserted_at DESC);

-- For people: which events arrived before their delivery. The reconciler works from mailglass_event_links instead,
-- because an event never changes and so never leaves this index.
CREATE INDEX mailglass_events_needs_reconcile_idx
    ON mailglass_events (tenant_id, inserted_at)
    WHERE needs_reconciliation;

COMMENT ON TABLE mailglass_events IS
    'Append-only ledger: one row per thing that happened. Triggers refuse every change with SQLSTATE 45A01.';
COMMENT ON COLUMN mailglass_events.id IS
    'UUIDv7, made by the client when it appends.';
COMMENT ON COLUMN mailglass_events.tenant_id IS
    'The tenant that owns the event.';
COMMENT ON COLUMN mailglass_events.delivery_id IS
    'Logical reference to mailglass_deliveries.id, without a foreign key. NULL for an orphan (see mailglass_event_links) and for an event that is about no delivery.';
COMMENT ON COLUMN mailglass_events.type IS
    'What happened.';
COMMENT ON COLUMN mailglass_events.occurred_at IS
    'When it happened, by the clock of whoever reports it.';
COMMENT ON COLUMN mailglass_events.idempotency_key IS
    'Makes an append replay-safe: the same key gives the event that is there already. Unique over all tenants.';
COMMENT ON COLUMN mailglass_events.reject_reason IS
    'Why it was rejected or bounced, where the provider says.';
COMMENT ON COLUMN mailglass_events.normalized_payload IS
    'What the provider reported, as a JSON object, normalized by the application. May hold personal data.';
COMMENT ON COLUMN mailglass_events.metadata IS
    'The application''s own JSON object. The keys provider, provider_message_id and recipient name the delivery.';
COMMENT ON COLUMN mailglass_events.trace_id IS
    'Correlates the event with the request or job that recorded it. Not part of what a replay compares.';
COMMENT ON COLUMN mailglass_events.needs_reconciliation IS
    'Whether the event''s delivery was missing or ambiguous when it was appended. Never cleared: whether it is linked by now stands in mailglass_event_links.';
COMMENT ON COLUMN mailglass_events.inserted_at IS
    'When the event was appended (the server''s clock).';
