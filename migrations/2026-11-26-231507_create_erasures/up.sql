-- Proves that a person was erased, without saying who.

CREATE TABLE mailglass_erasures (
    id            uuid        NOT NULL,
    tenant_id     text        NOT NULL,
    deliveries    bigint      NOT NULL,
    event_details bigint      NOT NULL,
    event_links   bigint      NOT NULL,
    suppressions  bigint      NOT NULL,
    domain_kept   boolean     NOT NULL,
    erased_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mailglass_erasures_pkey
        PRIMARY KEY (id),
    CONSTRAINT mailglass_erasures_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_erasures_counts_are_not_negative
        CHECK (least(deliveries, event_details, event_links, suppressions) >= 0)
);

CREATE INDEX mailglass_erasures_tenant_recent_idx
    ON mailglass_erasures (tenant_id, erased_at DESC);

COMMENT ON TABLE mailglass_erasures IS
    'One row per erasure of a person: when, and how many rows of each table. It does not say who.';
COMMENT ON COLUMN mailglass_erasures.id IS
    'A UUIDv7 that the client generates.';
COMMENT ON COLUMN mailglass_erasures.tenant_id IS
    'The tenant whose data about the person was erased.';
COMMENT ON COLUMN mailglass_erasures.deliveries IS
    'How many deliveries got a pseudonym instead of the recipient.';
COMMENT ON COLUMN mailglass_erasures.event_details IS
    'How many rows of mailglass_event_details were deleted.';
COMMENT ON COLUMN mailglass_erasures.event_links IS
    'In how many rows of mailglass_event_links the recipient was cleared.';
COMMENT ON COLUMN mailglass_erasures.suppressions IS
    'From how many suppressions the address was removed. They keep its digest, and so stay in force.';
COMMENT ON COLUMN mailglass_erasures.domain_kept IS
    'Whether the deliveries keep their recipient_domain.';
COMMENT ON COLUMN mailglass_erasures.erased_at IS
    'When the person was erased, by the server''s clock.';
