-- Whether the ledger has the trigger that rejects changes.
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_trigger
    WHERE tgrelid = pg_catalog.to_regclass('mailglass_events')
      AND tgname = 'mailglass_events_immutable_trigger'
) AS exists
