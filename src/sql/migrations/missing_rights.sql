-- Returns the rights that the role lacks: to create objects, on Diesel's table of versions, and as owner of the tables.
SELECT pg_catalog.quote_ident(current_user) AS role, name
FROM (
    SELECT 1 AS place, 'USAGE and CREATE on a schema of search_path' AS name
    WHERE :creates
      AND pg_catalog.current_schema() IS NULL
    UNION ALL
    SELECT 2, 'CREATE on schema ' || pg_catalog.quote_ident(pg_catalog.current_schema())
    WHERE :creates
      AND NOT pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE')
    UNION ALL
    SELECT
        3,
        privilege || ' on table ' || pg_catalog.quote_ident(namespace.nspname)
            || '.' || pg_catalog.quote_ident(class.relname)
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    CROSS JOIN (SELECT pg_catalog.unnest(:on_versions) AS privilege) AS needed
    WHERE class.oid = pg_catalog.to_regclass('__diesel_schema_migrations')
      AND NOT pg_catalog.has_table_privilege(class.oid, privilege)
    UNION ALL
    SELECT
        4,
        'ownership of table ' || pg_catalog.quote_ident(namespace.nspname)
            || '.' || pg_catalog.quote_ident(class.relname)
    FROM (SELECT pg_catalog.unnest(:tables) AS name) AS ours
    JOIN pg_catalog.pg_class AS class ON class.oid = pg_catalog.to_regclass(ours.name)
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE NOT pg_catalog.pg_has_role(class.relowner, 'USAGE')
) AS missing
ORDER BY place, name
