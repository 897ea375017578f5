-- The deliveries that wait to be sent. They have a table of their own, so that it is as small as the open work, and claiming
-- updates no index of the deliveries. A row ends when its delivery is dispatched, failed or suppressed.

CREATE TABLE mailglass_outbox (
    -- No foreign key: as for the links. A row without a delivery is deleted when it is claimed.
    delivery_id      uuid             NOT NULL,
    tenant_id        text             NOT NULL,
    stream           mailglass_stream NOT NULL,
    recipient_domain text             NOT NULL,
    available_at     timestamptz      NOT NULL DEFAULT now(),
    attempts         integer          NOT NULL DEFAULT 0,
    last_attempt     text             NOT NULL DEFAULT 'none',
    lease_id         uuid,
    worker           text,
    held_at          timestamptz,
    inserted_at      timestamptz      NOT NULL DEFAULT now(),
    -- What the indexes begin with. Comparing integers is leakproof, comparing enums and hashing a text are not: below a policy of row-level
    -- security, only a leakproof comparison can be an index condition.
    stream_rank      smallint         NOT NULL
        GENERATED ALWAYS AS (CASE stream WHEN 'transactional' THEN 1 WHEN 'operational' THEN 2 ELSE 3 END) STORED,
    tenant_hash      integer          NOT NULL
        GENERATED ALWAYS AS (hashtext(tenant_id)) STORED,
    CONSTRAINT mailglass_outbox_pkey
        PRIMARY KEY (delivery_id),
    CONSTRAINT mailglass_outbox_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_outbox_attempts_are_not_negative
        CHECK (attempts >= 0),
    CONSTRAINT mailglass_outbox_last_attempt_is_known
        CHECK (last_attempt IN ('none', 'begun', 'ended', 'unknown')),
    CONSTRAINT mailglass_outbox_worker_iff_leased
        CHECK ((lease_id IS NULL) = (worker IS NULL)),
    CONSTRAINT mailglass_outbox_not_both_leased_and_held
        CHECK (lease_id IS NULL OR held_at IS NULL)
)
-- Free space for the next version of a row. No update of the outbox is HOT, because each changes available_at.
WITH (fillfactor = 70);

-- The lanes of a claim: the rows of a stream and a tenant, next first. A claim visits the lanes from a random place, so the hash
-- spreads tenants whose names begin alike.
CREATE INDEX mailglass_outbox_lane_idx
    ON mailglass_outbox (stream_rank, tenant_hash, tenant_id, available_at)
    WHERE held_at IS NULL;

-- The lanes of a claim with a limit for each recipient domain. Without it, a claim would read past every row of a domain whose
-- limit is reached.
CREATE INDEX mailglass_outbox_domain_lane_idx
    ON mailglass_outbox (tenant_id, stream_rank, recipient_domain, available_at)
    WHERE held_at IS NULL;

-- The held rows, which are compared with their deliveries from time to time.
CREATE INDEX mailglass_outbox_held_idx
    ON mailglass_outbox (tenant_id, available_at, delivery_id)
    WHERE held_at IS NOT NULL;

COMMENT ON TABLE mailglass_outbox IS
    'One row per delivery that waits to be sent. The row is deleted when the delivery is dispatched, failed or suppressed.';
COMMENT ON COLUMN mailglass_outbox.delivery_id IS
    'The delivery: logical reference to mailglass_deliveries.id.';
COMMENT ON COLUMN mailglass_outbox.tenant_id IS
    'The tenant of the delivery.';
COMMENT ON COLUMN mailglass_outbox.stream IS
    'The stream of the delivery. Claims take transactional before operational before bulk.';
COMMENT ON COLUMN mailglass_outbox.recipient_domain IS
    'The recipient domain of the delivery, for limits.';
COMMENT ON COLUMN mailglass_outbox.available_at IS
    'When the delivery may be claimed. While it is leased, this is when the lease expires. While it is held, this is when it is next compared with its delivery.';
COMMENT ON COLUMN mailglass_outbox.attempts IS
    'How many attempts to send have begun.';
COMMENT ON COLUMN mailglass_outbox.last_attempt IS
    'The state of the last attempt: none, begun, ended (it failed and is to be repeated) or unknown (the worker that began it lost its lease).';
COMMENT ON COLUMN mailglass_outbox.lease_id IS
    'The claim that holds the row; NULL if it is not leased.';
COMMENT ON COLUMN mailglass_outbox.worker IS
    'The worker that holds the lease, by the name that it gave.';
COMMENT ON COLUMN mailglass_outbox.held_at IS
    'Since when the row is held: it is not sent until somebody decides, or an event proves that it was sent.';
COMMENT ON COLUMN mailglass_outbox.inserted_at IS
    'When the row was inserted, by the server''s clock.';
COMMENT ON COLUMN mailglass_outbox.stream_rank IS
    'The rank of the stream: 1 transactional, 2 operational, 3 bulk.';
COMMENT ON COLUMN mailglass_outbox.tenant_hash IS
    'A hash of the tenant, so that claims can begin at a random tenant.';

-- How many rows were claimed in a window of time, for claims with limits. Without limits, it stays empty.
CREATE TABLE mailglass_outbox_usage (
    tenant_id        text        NOT NULL,
    recipient_domain text        NOT NULL,
    window_seconds   integer     NOT NULL,
    window_ends_at   timestamptz NOT NULL,
    claims           bigint      NOT NULL,
    CONSTRAINT mailglass_outbox_usage_pkey
        PRIMARY KEY (tenant_id, recipient_domain, window_seconds),
    CONSTRAINT mailglass_outbox_usage_tenant_id_is_not_empty
        CHECK (tenant_id <> '')
)
WITH (fillfactor = 70);

-- The windows that have ended.
CREATE INDEX mailglass_outbox_usage_window_ends_at_idx
    ON mailglass_outbox_usage (window_ends_at);

COMMENT ON TABLE mailglass_outbox_usage IS
    'How many deliveries were claimed in a window of time, for claims with limits. Rows of earlier windows are reused or deleted.';
COMMENT ON COLUMN mailglass_outbox_usage.tenant_id IS
    'The tenant whose deliveries are counted.';
COMMENT ON COLUMN mailglass_outbox_usage.recipient_domain IS
    'The recipient domain whose deliveries are counted; empty for all of the tenant''s deliveries.';
COMMENT ON COLUMN mailglass_outbox_usage.window_seconds IS
    'The length of the window in seconds.';
COMMENT ON COLUMN mailglass_outbox_usage.window_ends_at IS
    'The end of the window that is counted: a multiple of its length since 1970.';
COMMENT ON COLUMN mailglass_outbox_usage.claims IS
    'How many deliveries were claimed in the window.';
