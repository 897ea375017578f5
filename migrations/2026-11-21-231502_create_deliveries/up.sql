-- One mutable row per (message, recipient, provider). The projection columns are a pure function of the delivery's
-- events and can be rebuilt from them at any time; only the projector writes them.

CREATE TABLE mailglass_deliveries (
    id                  uuid                      NOT NULL,
    tenant_id           text                      NOT NULL,
    mailable            text                      NOT NULL,
    stream              mailglass_stream          NOT NULL,
    recipient           text                      NOT NULL,
    recipient_domain    text                      NOT NULL,
    provider            text,
    provider_message_id text,
    last_event_type     mailglass_event_type      NOT NULL,
    last_event_at       timestamptz               NOT NULL,
    terminal            boolean                   NOT NULL DEFAULT false,
    dispatched_at       timestamptz,
    delivered_at        timestamptz,
    bounced_at          timestamptz,
    complained_at       timestamptz,
    suppressed_at       timestamptz,
    metadata            jsonb                     NOT NULL DEFAULT '{}',
    lock_version        integer                   NOT NULL DEFAULT 1,
    idempotency_key     text,
    status              mailglass_delivery_status NOT NULL DEFAULT 'queued',
    last_error          jsonb,
    inserted_at         timestamptz               NOT NULL DEFAULT now(),
    updated_at          timestamptz               NOT NULL DEFAULT now(),
    CONSTRAINT mailglass_deliveries_pkey
        PRIMARY KEY (id),
    CONSTRAINT mailglass_deliveries_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_deliveries_mailable_is_not_empty
        CHECK (mailable <> ''),
    -- The last line of defence against header injection. The Rust API parses the address; here, a local part, a domain, and
    -- no control character or white space between U+0001 and U+3000. An E string means the same under every setting.
    CONSTRAINT mailglass_deliveries_recipient_is_a_bare_address
        CHECK (recipient LIKE '_%@_%'
               AND recipient !~ E'[\\u0001-\\u0020\\u007F-\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]'),
    CONSTRAINT mailglass_deliveries_recipient_domain_is_not_empty
        CHECK (recipient_domain <> ''),
    CONSTRAINT mailglass_deliveries_provider_is_not_empty
        CHECK (provider <> ''),
    -- It may stand without a provider: the Elixir library writes the id alone when it dispatches.
    CONSTRAINT mailglass_deliveries_provider_message_id_is_not_empty
        CHECK (provider_message_id <> ''),
    CONSTRAINT mailglass_deliveries_metadata_is_object
        CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT mailglass_deliveries_last_error_is_object
        CHECK (jsonb_typeof(last_error) = 'object'),
    CONSTRAINT mailglass_deliveries_lock_version_is_positive
        CHECK (lock_version >= 1),
    CONSTRAINT mailglass_deliveries_idempotency_key_is_1_to_512_bytes
        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 512),
    -- Infinity, and years that chrono can't hold, would make the row unreadable.
    CONSTRAINT mailglass_deliveries_event_times_are_in_years_1_to_9999
        CHECK (extract(epoch FROM greatest(last_event_at, dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at))
                   < 253402300800
               AND extract(epoch FROM least(last_event_at, dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at))
                   >= -62135596800)
)
-- Room for a new version on the page of the old one, so that an update of the projection is HOT. No index holds what each
-- event changes. PostgreSQL manual, "Database Physical Storage", "Heap-Only Tuples (HOT)"; figures in docs/bench/README.md.
WITH (fillfactor = 70);

-- Replays of an enqueue meet the first row here. The conflict target repeats the predicate exactly.
CREATE UNIQUE INDEX mailglass_deliveries_idempotency_key_unique_idx
    ON mailglass_deliveries (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Finds the delivery that a webhook is about. The recipient belongs to the key because one provider message may serve
-- several recipients, and each has a delivery of its own.
CREATE UNIQUE INDEX mailglass_deliveries_provider_msg_id_idx
    ON mailglass_deliveries (provider, provider_message_id, recipient)
    WHERE provider_message_id IS NOT NULL;

CREATE INDEX mailglass_deliveries_tenant_recent_idx
    ON mailglass_deliveries (tenant_id, inserted_at DESC);

-- A recipient's deliveries, whatever the case of its ASCII letters. COLLATE "C" folds these and no others, under every
-- locale of the server. The message id keeps the look-up of one message's recipient to one row.
CREATE INDEX mailglass_deliveries_tenant_recipient_idx
    ON mailglass_deliveries (tenant_id, lower(recipient COLLATE "C"), provider_message_id);

-- What is still open in a stream. A delivery leaves it once, when it becomes terminal, so it stays as small as what is open.
CREATE INDEX mailglass_deliveries_tenant_stream_terminal_idx
    ON mailglass_deliveries (tenant_id, stream, inserted_at DESC)
    WHERE NOT terminal;

-- Rate limits and analytics ask by domain; this index is why the column exists.
CREATE INDEX mailglass_deliveries_tenant_recipient_domain_idx
    ON mailglass_deliveries (tenant_id, recipient_domain, inserted_at DESC);

COMMENT ON TABLE mailglass_deliveries IS
    'One row per (message, recipient, provider): what was sent to whom, and how it stands. State that changes; the facts behind it are in mailglass_events.';
COMMENT ON COLUMN mailglass_deliveries.id IS
    'UUIDv7, made by the client.';
COMMENT ON COLUMN mailglass_deliveries.tenant_id IS
    'The tenant that owns the delivery. Every read and every link stays inside it.';
COMMENT ON COLUMN mailglass_deliveries.mailable IS
    'Which kind of message this is, in the application''s own words, such as "welcome" or "invoice.v2".';
COMMENT ON COLUMN mailglass_deliveries.stream IS
    'What the message is for.';
COMMENT ON COLUMN mailglass_deliveries.recipient IS
    'The bare address, such as ann@example.com, as the application gave it. Personal data.';
COMMENT ON COLUMN mailglass_deliveries.recipient_domain IS
    'What follows the last @ of recipient, its ASCII letters in lower case.';
COMMENT ON COLUMN mailglass_deliveries.provider IS
    'The provider that took the message, such as "sendgrid"; NULL until it is dispatched.';
COMMENT ON COLUMN mailglass_deliveries.provider_message_id IS
    'The provider''s own id of the message; NULL until it is dispatched.';
COMMENT ON COLUMN mailglass_deliveries.last_event_type IS
    'Projection: the type of the greatest event by (occurred_at, lifecycle rank).';
COMMENT ON COLUMN mailglass_deliveries.last_event_at IS
    'Projection: occurred_at of the greatest event by (occurred_at, lifecycle rank).';
COMMENT ON COLUMN mailglass_deliveries.terminal IS
    'Projection: whether any event was terminal (delivered, bounced, complained, rejected, failed, suppressed).';
COMMENT ON COLUMN mailglass_deliveries.dispatched_at IS
    'Projection: the earliest occurred_at of a dispatched event.';
COMMENT ON COLUMN mailglass_deliveries.delivered_at IS
    'Projection: the earliest occurred_at of a delivered event.';
COMMENT ON COLUMN mailglass_deliveries.bounced_at IS
    'Projection: the earliest occurred_at of a bounced event.';
COMMENT ON COLUMN mailglass_deliveries.complained_at IS
    'Projection: the earliest occurred_at of a complained event.';
COMMENT ON COLUMN mailglass_deliveries.suppressed_at IS
    'Projection: the earliest occurred_at of a suppressed event.';
COMMENT ON COLUMN mailglass_deliveries.metadata IS
    'The application''s own JSON object.';
COMMENT ON COLUMN mailglass_deliveries.lock_version IS
    'Optimistic lock: 1 at birth, one more with every change of the row, whoever makes it. 1 follows 2147483647.';
COMMENT ON COLUMN mailglass_deliveries.idempotency_key IS
    'Makes an enqueue replay-safe: the same key gives the row that is there already. Unique over all tenants.';
COMMENT ON COLUMN mailglass_deliveries.status IS
    'Projection: the highest status that any event reached, ranked queued < dispatched < sent < failed < suppressed.';
COMMENT ON COLUMN mailglass_deliveries.last_error IS
    'What the last failed attempt to send said, as a JSON object.';
COMMENT ON COLUMN mailglass_deliveries.inserted_at IS
    'When the row was inserted (the server''s clock).';
COMMENT ON COLUMN mailglass_deliveries.updated_at IS
    'When the row last changed (the server''s clock).';
