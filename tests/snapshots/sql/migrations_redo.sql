-- The session's lock_timeout in milliseconds; 0 means none.
SELECT setting::bigint AS milliseconds
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout';

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;

SELECT pg_catalog.pg_advisory_xact_lock(7881696737187619187);

-- a statement of migrations_list.sql

SELECT version::text FROM __diesel_schema_migrations;

-- Returns those of the names for which search_path finds a table, and which table it is.
SELECT name, oid
FROM (SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1) AS name) AS wanted
WHERE oid IS NOT NULL;

-- Locks tables, or reports that they are in use. The block is a savepoint: if it fails, it releases every lock.
DO $do$
DECLARE
    callers_timeout text := pg_catalog.current_setting('lock_timeout');
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', least(100, greatest(setting::bigint / 4, 1))::text, true)
    FROM pg_catalog.pg_settings
    WHERE name = 'deadlock_timeout';
    LOCK TABLE mailglass_deliveries, mailglass_erasures, mailglass_event_details, mailglass_event_links, mailglass_events, mailglass_outbox, mailglass_outbox_usage, mailglass_suppressions IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_catalog.set_config('lock_timeout', callers_timeout, true);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION USING
        ERRCODE = 'lock_not_available',
        MESSAGE = 'the tables are in use',
        DETAIL = 'mailglass:in_use';
END
$do$;

SELECT (SELECT pg_catalog.count(*) FROM mailglass_deliveries);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_erasures);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_event_details);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_event_links);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_events);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_outbox);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_outbox_usage);

SELECT (SELECT pg_catalog.count(*) FROM mailglass_suppressions);

-- The tables that the guard protects: the ledger, and old ledgers that cuts have kept.
SELECT DISTINCT tgrelid::regclass::text AS name
FROM pg_catalog.pg_trigger
JOIN pg_catalog.pg_proc AS guard ON guard.oid = tgfoid
WHERE guard.proname = 'mailglass_raise_immutability'
  AND guard.pronamespace = (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('mailglass_events')
  );

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_suppressions

-- Returns those of the names for which search_path finds a table, and which table it is.
SELECT name, oid
FROM (SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1) AS name) AS wanted
WHERE oid IS NOT NULL;

INSERT INTO "__diesel_schema_migrations" ("version") VALUES ($1) ON CONFLICT DO NOTHING;

-- from up.sql of the migration create_suppressions

-- The tables that the guard protects: the ledger, and old ledgers that cuts have kept.
SELECT DISTINCT tgrelid::regclass::text AS name
FROM pg_catalog.pg_trigger
JOIN pg_catalog.pg_proc AS guard ON guard.oid = tgfoid
WHERE guard.proname = 'mailglass_raise_immutability'
  AND guard.pronamespace = (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('mailglass_events')
  );

COMMIT;
