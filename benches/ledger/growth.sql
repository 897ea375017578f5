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
    'ses',
    'message ' || number,
    'queued',
    '2024-10-04'::timestamptz
FROM generate_series(:existing, :deliveries - 1) AS number;

INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload)
SELECT
    ('01900000-0000-7000-9000-' || lpad(to_hex(number), 12, '0'))::uuid,
    'acme',
    ('01900000-0000-7000-8000-' || lpad(to_hex(number / :events_each), 12, '0'))::uuid,
    'opened',
    '2024-10-04'::timestamptz + number * interval '1 ms',
    'grown:' || number,
    jsonb_build_object('ip', '203.0.113.7', 'user_agent', 'Mozilla/5.0 (X11; Linux x86_64)', 'number', number)
FROM generate_series(0, :deliveries * :events_each - 1) AS number;

