-- Generates a large ledger. The projections are not computed, because the benchmarks do not read them.
INSERT INTO mailglass_deliveries (
    id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, last_event_type,
    last_event_at
)
SELECT
    ('01900000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid,
    'acme',
    'newsletter',
    'bulk',
    number || '@example.com',
    'example.com',
    'sendgrid',
    lpad(to_hex(number::bigint * 2654435761 % 4294967296), 8, '0') || '.recvd-canary.0',
    'queued',
    '2024-10-04'::timestamptz
FROM generate_series(:existing, :deliveries - 1) AS number;

INSERT INTO mailglass_events (
    id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata
)
SELECT
    ('01900000-0000-7000-9000-' || lpad(to_hex(number), 12, '0'))::uuid,
    'acme',
    ('01900000-0000-7000-8000-' || lpad(to_hex(number / :events_each), 12, '0'))::uuid,
    'opened',
    '2024-10-04'::timestamptz + number * interval '1 ms',
    'sendgrid:' || event_id,
    jsonb_build_object('ip', '203.0.113.7', 'user_agent', 'Mozilla/5.0 (X11; Linux x86_64)', 'number', number),
    jsonb_build_object(
        'provider', 'sendgrid',
        'provider_message_id',
        lpad(to_hex((number / :events_each)::bigint * 2654435761 % 4294967296), 8, '0') || '.recvd-canary.0',
        'event_id', event_id
    )
FROM
    generate_series(0, :deliveries * :events_each - 1) AS number,
    -- 22 characters in no order, as the events of the benchmarks have.
    LATERAL (SELECT translate(encode(decode(md5(number::text), 'hex'), 'base64'), '+/=', 'ab') AS event_id) AS generated;

