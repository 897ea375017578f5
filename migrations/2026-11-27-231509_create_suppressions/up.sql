-- Recipients that get no mail. A row has a digest of the address, so that it stays in force when the person is erased.

CREATE TABLE mailglass_suppressions (
    id              uuid                         NOT NULL,
    tenant_id       text                         NOT NULL,
    scope           mailglass_suppression_scope  NOT NULL,
    stream          mailglass_stream,
    digest          bytea                        NOT NULL,
    address         text,
    reason          mailglass_suppression_reason NOT NULL,
    source_event_id uuid,
    since           timestamptz                  NOT NULL DEFAULT now(),
    until           timestamptz,
    CONSTRAINT mailglass_suppressions_pkey
        PRIMARY KEY (id),
    CONSTRAINT mailglass_suppressions_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_suppressions_stream_iff_address_stream
        CHECK ((scope = 'address_stream') = (stream IS NOT NULL)),
    CONSTRAINT mailglass_suppressions_digest_has_32_bytes
        CHECK (octet_length(digest) = 32),
    CONSTRAINT mailglass_suppressions_address_is_not_empty
        CHECK (address <> ''),
    -- A row with infinity, or with a year that chrono can't represent, could not be read.
    CONSTRAINT mailglass_suppressions_times_are_in_years_1_to_9999
        CHECK (extract(epoch FROM greatest(since, until)) < 253402300800
               AND extract(epoch FROM least(since, until)) >= -62135596800)
);

-- One row for each reason: an expiring suppression never replaces a permanent one of another reason. NULLS NOT DISTINCT, because
-- most rows have no stream.
CREATE UNIQUE INDEX mailglass_suppressions_subject_idx
    ON mailglass_suppressions (tenant_id, digest, scope, stream, reason) NULLS NOT DISTINCT;

CREATE INDEX mailglass_suppressions_tenant_recent_idx
    ON mailglass_suppressions (tenant_id, since DESC);

COMMENT ON TABLE mailglass_suppressions IS
    'Recipients that get no mail: one row per scope, address or domain, and reason.';
COMMENT ON COLUMN mailglass_suppressions.id IS
    'A UUIDv7 that the client generates.';
COMMENT ON COLUMN mailglass_suppressions.tenant_id IS
    'The tenant that does not send.';
COMMENT ON COLUMN mailglass_suppressions.scope IS
    'What is suppressed: an address, a domain, or an address in one stream.';
COMMENT ON COLUMN mailglass_suppressions.stream IS
    'The stream, if the scope is address_stream; NULL otherwise.';
COMMENT ON COLUMN mailglass_suppressions.digest IS
    'SHA-256 of the tenant and the folded address or domain, as UTF-8: the number of bytes of tenant_id, ":", tenant_id, ":", the address with its ASCII letters in lower case.';
COMMENT ON COLUMN mailglass_suppressions.address IS
    'The address or domain as it was given; NULL if it is not kept, or was erased. Personal data.';
COMMENT ON COLUMN mailglass_suppressions.reason IS
    'Why no mail is sent.';
COMMENT ON COLUMN mailglass_suppressions.source_event_id IS
    'The event that caused it: logical reference to mailglass_events.id; NULL if none did.';
COMMENT ON COLUMN mailglass_suppressions.since IS
    'Since when no mail is sent.';
COMMENT ON COLUMN mailglass_suppressions.until IS
    'Until when no mail is sent; NULL if it is permanent.';
