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

-- a statement of migrations_redo.sql

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

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_outbox

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_erasures

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_event_details

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_event_links

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration guard_the_ledger

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_events

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- from down.sql of the migration create_deliveries

DELETE
FROM "__diesel_schema_migrations"
WHERE ("__diesel_schema_migrations"."version" = $1);

-- Returns those of the enum types that search_path finds, with their schema and labels, and whether that schema is the one of
-- Diesel's table of versions.
SELECT
    wanted.name,
    namespace.nspname::text AS schema,
    type.typnamespace IS NOT DISTINCT FROM (
        SELECT relnamespace
        FROM pg_catalog.pg_class
        WHERE oid = pg_catalog.to_regclass('__diesel_schema_migrations')
    ) AS is_own,
    ARRAY(
        SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE enumtypid = type.oid ORDER BY enumsortorder
    ) AS labels
FROM (SELECT pg_catalog.unnest($1) AS name) AS wanted
JOIN pg_catalog.pg_type AS type ON type.oid = pg_catalog.to_regtype(wanted.name)
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = type.typnamespace;

-- from down.sql of the migration create_closed_sets

-- Returns those of the names for which search_path finds a table, and which table it is.
SELECT name, oid
FROM (SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1) AS name) AS wanted
WHERE oid IS NOT NULL;

-- The tables that the guard protects: the ledger, and old ledgers that cuts have kept.
SELECT DISTINCT tgrelid::regclass::text AS name
FROM pg_catalog.pg_trigger
JOIN pg_catalog.pg_proc AS guard ON guard.oid = tgfoid
WHERE guard.proname = 'mailglass_raise_immutability'
  AND guard.pronamespace = (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('mailglass_events')
  );

COMMIT;
