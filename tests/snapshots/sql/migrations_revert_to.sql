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

-- Whether the ledger has the trigger that rejects changes.
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_trigger
    WHERE tgrelid = pg_catalog.to_regclass('mailglass_events')
      AND tgname = 'mailglass_events_immutable_trigger'
) AS exists;

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

-- a statement of migrations_grants.sql

-- from down.sql of the migration create_closed_sets

-- Returns those of the names for which search_path finds a table, and which table it is.
SELECT name, oid
FROM (SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1) AS name) AS wanted
WHERE oid IS NOT NULL;

COMMIT;
