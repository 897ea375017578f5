-- The columns with a value of their own, quoted: those that the ledger had when the cut began.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname::text), ', ' ORDER BY attnum) AS names
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass('mailglass_events_next')
  AND attnum > 0
  AND NOT attisdropped
  AND attgenerated = ''
