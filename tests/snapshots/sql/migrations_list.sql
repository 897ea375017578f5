-- Finds Diesel's table of versions: the one in the first schema of search_path, or else the one that search_path finds.
-- These functions see the current catalogs, even if the snapshot of the transaction is older.
SELECT
    found.oid IS NOT NULL AS exists,
    coalesce(pg_catalog.has_table_privilege(found.oid, 'SELECT'), false) AS is_readable,
    pg_catalog.quote_ident(current_user) AS role,
    coalesce(found.oid::text, '') AS name
FROM (
    SELECT
        CASE
            WHEN $1 THEN pg_catalog.to_regclass(
                pg_catalog.quote_ident(pg_catalog.current_schema()) || '.__diesel_schema_migrations'
            )
            ELSE pg_catalog.to_regclass('__diesel_schema_migrations')
        END AS oid
    OFFSET 0
) AS found;

SELECT version::text FROM __diesel_schema_migrations;
