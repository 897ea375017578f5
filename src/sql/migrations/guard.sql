-- The tables that the guard protects: the ledger, and old ledgers that cuts have kept.
SELECT DISTINCT tgrelid::regclass::text AS name
FROM pg_catalog.pg_trigger
JOIN pg_catalog.pg_proc AS guard ON guard.oid = tgfoid
WHERE guard.proname = 'mailglass_raise_immutability'
  AND guard.pronamespace = (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('mailglass_events')
  )
