-- Waits for other claims with limits, until their transactions end. The second number is another one in each schema.
SELECT pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtext('mailglass_outbox_usage'),
    'mailglass_outbox_usage'::pg_catalog.regclass::pg_catalog.oid::integer
)
