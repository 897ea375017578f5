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
FROM (SELECT pg_catalog.unnest(:names) AS name) AS wanted
JOIN pg_catalog.pg_type AS type ON type.oid = pg_catalog.to_regtype(wanted.name)
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = type.typnamespace
